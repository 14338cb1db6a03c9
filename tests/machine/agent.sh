#!/bin/bash
# Runs inside the machine: executes the scripts that the outside puts into the shared folder, each in the background.
#   N.script is executed; N.output gets what it wrote on both streams, then N.code its exit code.
# The folder is named by `shared=` on the kernel's command line.
shared=$(sed -n 's/.*\bshared=\([^ ]*\).*/\1/p' /proc/cmdline)
mount -t hostfs -o "$shared" none /mnt/outside || exit 1
mkdir -p /run/agent
cd /mnt/outside || exit 1

execute() {
  bash "/run/agent/$1.script" >"/run/agent/$1.output" 2>&1 </dev/null
  local code=$?
  cp "/run/agent/$1.output" "$1.output"
  echo "$code" >"$1.part" && mv "$1.part" "$1.code"
}

cp /proc/sys/kernel/random/boot_id booted.part && mv booted.part booted
while :; do
  for script in *.script; do
    [ -f "$script" ] || continue
    cp "$script" /run/agent/ && rm "$script"
    execute "${script%.script}" &
  done
  sleep 0.1
done
