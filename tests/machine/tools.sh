#!/bin/bash
# Installs what building and checking the machine takes, where that is lacking and allowed.
set -euo pipefail
packages=(bc bison e2fsprogs flex gcc kmod make mmdebstrap uidmap xz-utils)
programs=(bc bison e2fsck flex gcc depmod make mmdebstrap newuidmap xz)

PATH=$PATH:/usr/sbin:/sbin
command -v "${programs[@]}" >/dev/null && [ "$(command -v "${programs[@]}" | wc -l)" = ${#programs[@]} ] && exit
sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo -n)
"${sudo[@]}" apt-get update -q &&
  "${sudo[@]}" apt-get install -q -y --no-install-recommends "${packages[@]}" ||
  { echo "make test-vm needs: apt-get install ${packages[*]}" >&2; exit 1; }
