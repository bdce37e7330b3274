#!/usr/bin/env bash
# A throw-away Slurm on loopback: munged, slurmctld and N slurmd ("virtual nodes") with all their state
# below DIR, as root, without systemd, untouched by /etc. Ready in under a second.
#   up.sh [-n NODES] [-c CPUS_PER_NODE] [-d DIR] [-p BASE_PORT] [-t SLURMD_TIMEOUT] [-m MEM_MB_PER_NODE]
#         [-k KILLWAIT] [-G PREEMPT_GRACE] [-e CRED_EXPIRE]
# Prints the line to eval:  export SLURM_CONF=...
set -euo pipefail
nodes=1 cpus=$(nproc) dir=/tmp/slurm-local base=16800 sdto=20 mem=4096 killwait=5 grace=10 cred=5
while getopts n:c:d:p:t:m:k:G:e: o; do case $o in
  n) nodes=$OPTARG;; c) cpus=$OPTARG;; d) dir=$OPTARG;; p) base=$OPTARG;; t) sdto=$OPTARG;;
  m) mem=$OPTARG;; k) killwait=$OPTARG;; G) grace=$OPTARG;; e) cred=$OPTARG;; *) exit 2;; esac; done
[ "$(id -u)" = 0 ] || { echo "up.sh: needs root" >&2; exit 2; }
for b in munged slurmctld slurmd sinfo; do command -v $b >/dev/null || { echo "up.sh: $b missing" >&2; exit 2; }; done
mkdir -p "$dir"/{munge,state,log,run}; dir=$(cd "$dir" && pwd)
chmod 755 "$dir"; 
# ---- munged: private key + private socket, run as root (munged's own uid owns key/dirs)
if [ ! -s "$dir/munge/key" ]; then ( umask 077; head -c 1024 /dev/urandom > "$dir/munge/key" ); fi
chmod 700 "$dir/munge"; chmod 400 "$dir/munge/key"; chown -R root:root "$dir/munge"
mkdir -p "$dir/msock"; chmod 755 "$dir/msock"
munged --key-file="$dir/munge/key" --socket="$dir/msock/s" \
       --pid-file="$dir/munge/pid" --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
# ---- configuration
host=$(hostname -s); ctld=$((base)); 
cat > "$dir/slurm.conf" <<CONF
ClusterName=local
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$ctld
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# cred_expire is also how long a requeued job waits before it may start (default 120 s)
AuthInfo=socket=$dir/msock/s,cred_expire=$cred
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/run/%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
SlurmctldDebug=info
SlurmdDebug=info
# no cgroups: works in any container or VM
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/log/jobcomp.log
MpiDefault=none
SwitchType=switch/none
# one tmp per virtual node: Slurm's PMIx plugin makes TmpFS/spmix_appdir_UID_JOB.STEP, which collides when nodes share a host
TmpFS=$dir/tmp/%n
MailProg=/bin/true
# overcommitted virtual nodes are fine: slurmd does not check the hardware
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,sched_min_interval=100000,bf_interval=2,batch_sched_delay=1,default_queue_depth=1000
# fast failure detection and signals for tests
SlurmctldTimeout=10
SlurmdTimeout=$sdto
InactiveLimit=0
KillWait=$killwait
MinJobAge=300
ReturnToService=2
TreeWidth=64
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
CONF
for i in $(seq 1 $nodes); do
  echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$((base+i)) CPUs=$cpus Sockets=1 CoresPerSocket=$cpus ThreadsPerCore=1 RealMemory=$mem State=UNKNOWN" >> "$dir/slurm.conf"
done
cat >> "$dir/slurm.conf" <<CONF
PartitionName=main Nodes=n[1-$nodes] Default=YES MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=REQUEUE GraceTime=$grace
PartitionName=high Nodes=n[1-$nodes] MaxTime=INFINITE State=UP PriorityTier=100 PreemptMode=OFF
CONF
[ "$nodes" -gt 1 ] || sed -i 's/n\[1-1\]/n1/' "$dir/slurm.conf"
# slurmd 22.05 refuses to start where /sys/fs/cgroup is not mounted unless the plugin is named; with linuxproc + task/none it then never touches it
echo "CgroupPlugin=cgroup/v1" > "$dir/cgroup.conf"
export SLURM_CONF=$dir/slurm.conf
slurmctld -f "$SLURM_CONF"
for i in $(seq 1 $nodes); do mkdir -p "$dir/run/n$i" "$dir/tmp/n$i"; chmod 1777 "$dir/tmp/n$i"; slurmd -f "$SLURM_CONF" -N n$i; done
# ---- wait until every node is idle
for t in $(seq 1 150); do
  up=$(sinfo -h -N -p main -t idle -o %N 2>/dev/null | wc -l)
  [ "$up" = "$nodes" ] && break; sleep 0.2
done
[ "$up" = "$nodes" ] || { echo "up.sh: only $up of $nodes nodes idle" >&2; sinfo -N -l >&2; tail -n 20 "$dir"/log/*.log >&2; exit 1; }
echo "export SLURM_CONF=$SLURM_CONF"
