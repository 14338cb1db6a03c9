#!/bin/bash
# configure.sh ROOT FILES: makes a bare Debian root a test machine with the product's dependencies, but not the product.
# mmdebstrap calls it as root, or as what looks like root. FILES holds agent.sh and wheels/.
set -euo pipefail
root=$1 files=$2

echo fedge-machine >"$root/etc/hostname"
echo '127.0.0.1 localhost fedge-machine' >"$root/etc/hosts"
cat >"$root/etc/fstab" <<'S'
/dev/ubda / ext4 errors=remount-ro 0 1
/dev/ubdb /data ext4 defaults 0 2
S
mkdir -p "$root/data" "$root/mnt/outside" "$root/var/log/journal"
chroot "$root" useradd -m -s /bin/bash -u 1000 -G video,sudo pi
chroot "$root" useradd -m -s /bin/bash -u 1001 eve
chmod 755 "$root/home/pi"
echo 'pi ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/pi"
: >"$root/etc/machine-id"
# What Debian does by the clock would fall into the middle of a test.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
  fstrim.timer logrotate.timer systemd-networkd-wait-online.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

echo vivid >"$root/etc/modules-load.d/camera.conf"
# One camera, a node to capture from and nothing else.
echo 'options vivid n_devs=1 node_types=0x1' >"$root/etc/modprobe.d/camera.conf"

install -m 755 "$files/agent.sh" "$root/usr/local/sbin/agent"
cat >"$root/etc/systemd/system/agent.service" <<'S'
[Unit]
Description=executes what the outside asks
ConditionKernelCommandLine=shared
After=local-fs.target systemd-modules-load.service
[Service]
ExecStart=/usr/local/sbin/agent
KillMode=process
[Install]
WantedBy=multi-user.target
S
chroot "$root" systemctl enable --quiet agent.service

cp -r "$files/wheels" "$root/tmp/wheels"
chroot "$root" runuser -u pi -- bash -c '
  set -e
  cd; export HOME=/home/pi
  env -u PIP_FIND_LINKS -u PIP_CERT -u PIP_CONSTRAINT python3 -m venv ~/fedge
  env -u PIP_FIND_LINKS -u PIP_CERT -u PIP_CONSTRAINT ~/fedge/bin/pip install -q --no-index --no-compile /tmp/wheels/*.whl
  ~/fedge/bin/python -m compileall -q ~/fedge/lib || true'
rm -rf "$root/tmp/wheels"
