#!/usr/bin/env bash
# Runs a command beside a SLURM cluster of one node, this one:
#
#   src/testing/slurm/with_slurm.sh ./plumbline test src/testing/slurm/array_job.ts
#
# Debian's slurmctld, slurmd and munge are installed where they are missing, which takes root and
# apt-get. Everything else stands in a temporary folder, on ports of its own, without systemd and
# without cgroups, so it works in a container; when the command ends, daemons and folder are gone.
# The exit code is the command's.
set -euo pipefail

say() { printf 'with_slurm: %s\n' "$*" >&2; }
[ $# -gt 0 ] || { say "no command is given"; exit 2; }

if ! type slurmctld slurmd sbatch munged >/dev/null 2>&1; then
  type apt-get >/dev/null 2>&1 || { say "cannot install SLURM: there is no apt-get"; exit 1; }
  say "installing SLURM"
  export DEBIAN_FRONTEND=noninteractive
  install() { apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge; }
  # The package lists may be old, or not there at all.
  install >/dev/null 2>&1 || { apt-get update -qq && install >/dev/null; }
fi

dir=$(mktemp -d)
pids=()
stop() {
  scancel --quiet --user="$(id -u)" 2>/dev/null || true
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

user=$(id -un)
port=$(shuf -i 20000-29999 -n 1)
(umask 077 && head -c 1024 /dev/urandom >"$dir/munge.key")
mkdir "$dir/state" "$dir/spool"
export SLURM_CONF=$dir/slurm.conf
# Processors and memory as they are.
node=$(env -u SLURM_CONF slurmd -C | head -n 1)
name=${node%% *}
cat >"$SLURM_CONF" <<CONF
ClusterName=plumbline
SlurmctldHost=${name#NodeName=}(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
$node NodeAddr=127.0.0.1
PartitionName=main Nodes=ALL Default=YES
CONF

munged --foreground --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" \
  --pid-file="$dir/munged.pid" --log-file="$dir/munge.log" --seed-file="$dir/munged.seed" \
  >"$dir/munged.log" 2>&1 &
pids+=($!)
until [ -S "$dir/munge.socket" ]; do kill -0 "${pids[0]}"; sleep 0.1; done
slurmctld -D >"$dir/slurmctld.log" 2>&1 &
pids+=($!)
slurmd -D >"$dir/slurmd.log" 2>&1 &
pids+=($!)
for _ in $(seq 300); do
  [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ] && ready=yes && break
  sleep 0.1
done
if [ -z "${ready:-}" ]; then
  say "the cluster did not start"
  tail -n 20 "$dir"/*.log >&2
  exit 1
fi
say "SLURM $(sbatch --version | cut -d ' ' -f 2) is there"

"$@"
