#!/bin/sh
# collect.sh - takes a snapshot of this host's connection tracking, as one file for your support contact.
#
#   sh collect.sh                                               writes conntrack-<host>-<time>.tar.gz here
#   ssh root@gw 'sh -s -- --stdout' < collect.sh > gw.tar.gz    takes it from another host
#   sh collect.sh --anonymize                                   puts pseudonyms in place of addresses and names
#   sh collect.sh --help                                        lists the options
#
# What it reads: the limits, timeouts, counters and memory of connection tracking below /proc and /sys; the table
# of tracked connections (addresses and ports; leave it out with --no-table); lines that name conntrack in the
# settings below /etc and in the kernel log, every other line is left out; page size, kernel version, uptime,
# host name, a hash of the machine id, names of processes that run in other network namespaces.
#
# What it never does: it changes no setting, loads no kernel module, enters no namespace, opens no network
# connection and installs nothing. It runs at the lowest priority, each step has a time limit, and its only
# traces on the disk are one private folder beside the output, which is removed in the end, and the output.
#
# It needs a POSIX shell and the tools that NEEDED lists: any Linux since 2.4 has them, and busybox. All else is used
# where it is there. As root it sees everything; as
# anybody else it takes what it may and says what is missing. Exit status: 0 written, 1 not written, 2 wrong option.
#
# For shellcheck: "step" calls the functions that it finds unreachable (2317), ls is read only below /proc and
# /run (2012), and printf formats in variables are ustar headers, whose zeros nothing else can print (2059).
# shellcheck disable=SC2317,SC2012,SC2059

VERSION=0.1.0
NEEDED='awk cat date grep gzip head ls mkdir mv rm sed sleep tail tr uname wc xargs'
STEP_LIMIT=30        # seconds for a step; the table has a limit of its own
TABLE_LIMIT=300
LOG_LINES=20000      # of each log, at most
SLOW_READ=50000      # entries from which /proc/net/nf_conntrack is too slow before Linux 6.16

help() {
  cat <<END
Usage: sh collect.sh [options]
Takes a snapshot of connection tracking on this host and changes nothing.

  --output PATH      file or folder to write to (default: conntrack-<host>-<time>.tar.gz in this folder)
  --stdout           write the bundle to standard output, and all messages to standard error
  --no-table         leave out the table of connections and the expectations: no addresses in the bundle
  --anonymize        put pseudonyms in place of IP and hardware addresses and of the names of hosts and namespaces
  --key-file FILE    make pseudonyms with the key in FILE, which is made if it is not there: the same key gives the
                     same pseudonyms on other hosts and next week. Without it the key is forgotten. Never send it
  --max-entries N    cut the table after N entries (default 2000000)
  --samples N        how often the counters are read (default 5; 0: not at all)
  --interval S       whole seconds between two samples (default 1)
  --help, --version
END
}

say() { printf '%s\n' "$*"; }
# mksh has no printf of its own, and starting a program for each line adds up; what it has, others lack.
if [ -n "${KSH_VERSION-}" ]; then say() { print -r -- "$*"; }; fi
TAB='	'

wrong_option() {
  say "collect.sh: $1. See: sh collect.sh --help" >&2
  exit 2
}

# die WHAT WHAT-TO-DO
die() {
  say "collect.sh: $1. Nothing was written. $2" >&2
  exit 1
}

die_full() {
  die "no space left in $folder" 'Free some, or write elsewhere with --output, or send the bundle away with --stdout.'
}

has() { command -v "$1" >/dev/null 2>&1; }

# whole OPTION VALUE LEAST MOST
whole() {
  case $2 in
    '' | *[!0-9]* | 0?* | ?????????*) wrong_option "$1 needs a whole number from $3 to $4, not '$2'" ;;
  esac
  if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then wrong_option "$1 needs a whole number from $3 to $4, not '$2'"; fi
}

read_options() {
  output='' to_stdout='' no_table='' anonymize='' key_file='' max_entries=2000000 samples=5 interval=1 options='' discreet='' before=''
  for word; do
    case $word in
      *[!A-Za-z0-9._=/-]*) word="'$word'" ;;
    esac
    options="$options${options:+ }$word"
    # Where files are on this host is a name too.
    case $before in
      --output | --key-file) before='' word=PATH ;;
      *) before=$word ;;
    esac
    case $word in
      --output=* | --key-file=*) word=${word%%=*}=PATH ;;
    esac
    discreet="$discreet${discreet:+ }$word"
  done
  while [ $# -gt 0 ]; do
    name=${1%%=*}
    case $name in
      --output | --key-file | --max-entries | --samples | --interval)
        if [ "$name" != "$1" ]; then
          value=${1#*=}
        elif [ $# -gt 1 ]; then
          value=$2
          shift
        else
          wrong_option "$name needs a value"
        fi
        ;;
      *) name=$1 ;;
    esac
    case $name in
      --output) if [ -n "$value" ]; then output=$value; else wrong_option '--output needs a file or a folder'; fi ;;
      --key-file) if [ -n "$value" ]; then key_file=$value; else wrong_option '--key-file needs a file'; fi ;;
      --max-entries) whole "$name" "$value" 1 20000000 && max_entries=$value ;;
      --samples) whole "$name" "$value" 0 1000 && samples=$value ;;
      --interval) whole "$name" "$value" 0 3600 && interval=$value ;;
      --stdout) to_stdout=yes ;;
      --no-table) no_table=yes ;;
      --anonymize) anonymize=yes ;;
      --help) help && exit 0 ;;
      --version) say "collect.sh $VERSION" && exit 0 ;;
      *) wrong_option "there is no option '$1'" ;;
    esac
    shift
  done
  if [ -n "$key_file" ] && [ -z "$anonymize" ]; then wrong_option '--key-file needs --anonymize'; fi
  if [ -n "$to_stdout" ] && [ -n "$output" ]; then wrong_option 'use either --stdout or --output'; fi
  if [ -n "$to_stdout" ] && [ -t 1 ]; then wrong_option '--stdout needs a pipe or a file, not a terminal'; fi
}

# ---- where the bundle goes, and the private folder that all temporary files are in -------------------------------

name_bundle() {
  # shellcheck disable=SC2046
  set -- $(date -u '+%Y %m %d %H %M %S %s')
  stamp=$1$2$3T$4$5$6Z captured_at=$1-$2-$3T$4:$5:$6Z epoch=$7
  case $epoch in *[!0-9]*) epoch=0 ;; esac
  node=$(uname -n)
  if [ -n "$anonymize" ]; then
    # shellcheck disable=SC2046
    set -- $(hide start < /dev/null)
    if [ $# -ne 2 ]; then die 'awk could not make pseudonyms' 'See if this host has another awk (gawk, mawk, busybox).'; fi
    key_id=$1 node=$2
  fi
  host=$(say "$node" | tr -c 'A-Za-z0-9.\n-' - | sed 's/^[.-]*//; s/^\(.\{60\}\).*/\1/')
  top=conntrack-${host:-unknown}-$stamp
}

make_room() {
  if [ -n "$to_stdout" ]; then
    for folder in "${TMPDIR:-/tmp}" /tmp /var/tmp /run /dev/shm; do
      make_work && return
    done
    die "no folder for temporary files with 4 MiB to spare (tried ${TMPDIR:-/tmp}, /tmp, /var/tmp, /run, /dev/shm)" \
      'Name one with TMPDIR=/some/folder.'
  fi
  target=${output:-.}
  case $target in
    /*) ;;
    *) target=./$target ;;
  esac
  if [ -d "$target" ]; then
    folder=$target base=$top.tar.gz
  else
    folder=${target%/*} base=${target##*/}
    if [ -e "$target" ] && [ ! -f "$target" ]; then die "$output is not a regular file" 'Use --stdout to write to it.'; fi
  fi
  folder=$(cd "${folder:-/}" 2>/dev/null && pwd) || die "there is no folder ${target%/*}" 'Make it, or choose another with --output.'
  target=${folder%/}/$base
  make_work && return
  if [ -n "$free" ]; then die_full; fi
  die "$folder cannot be written to" 'Go to a folder of yours, or name one with --output.'
}

# Fails where the folder cannot be written to (then $free is empty) or less than 4 MiB are free in it.
make_work() {
  free=''
  work=$(mktemp -d "${folder%/}/.conntrack-report.XXXXXX" 2>/dev/null) || {
    work=${folder%/}/.conntrack-report.$$
    mkdir "$work" 2>/dev/null || { work='' && return 1; }
  }
  free=$(df -P -k "$folder" 2>/dev/null | awk 'NR == 2 && $4 ~ /^[0-9]+$/ { print ($4 < 1e9 ? $4 : 1e9) }')
  free=${free:-1000000000}
  if [ "$free" -ge 4096 ] && mkdir "$work/tree" "$work/step" "$work/reader" "$work/watch" 2>/dev/null; then return 0; fi
  rm -rf "$work"
  work=''
  return 1
}

# Process ids of ours whose working folder is the given one below the private folder. Every process that may last
# works in there, and nobody else does: so they are found even when the shell that started them is gone.
ours() {
  ls -l /proc/[0-9]*/cwd 2>/dev/null | sed -n "s|^.* /proc/\\([0-9]*\\)/cwd -> .*/${work##*/}$1\\( (deleted)\\)\\{0,1\\}\$|\\1|p"
}

# More than once, since a process that is about to be killed may still start another.
clear_away() {
  for round in 1 2 3 4 5 6 7 8 9; do
    found=$(ours '/[a-z]*')
    if [ -z "$found" ]; then break; fi
    # shellcheck disable=SC2086
    kill -KILL $found 2>/dev/null
    if [ "$round" -gt 5 ]; then sleep 1; fi
  done
  rm -rf "$work"
}

# A small process that waits until this shell is gone, for whatever reason, kill -9 included, and then cleans up:
# only this shell holds the writing end of the pipe that it reads. (Processes close what is not theirs with "exec":
# what is redirected for a group of commands, mksh keeps open elsewhere.)
start_guardian() {
  guardian=''
  mkfifo "$work/alive" 2>/dev/null || return
  (
    exec >/dev/null 2>&1 7>&-
    trap '' INT TERM HUP
    cd / || exit
    read -r word < "$work/alive"
    clear_away
  ) &
  guardian=$!
  exec 8> "$work/alive"
}

leave() {
  code=$?
  trap '' INT TERM HUP
  if [ -n "$work" ]; then
    exec 2>/dev/null 8>&-
    if [ -n "$watcher" ]; then kill -KILL "$watcher"; fi
    if [ -n "$guardian" ]; then wait "$guardian"; else clear_away; fi
  fi
  exit "$code"
}

# Ends what takes too long: once a second it looks which step is on, and for how long. (One process for all steps, that
# needs no signal to be told: a signal sent to a shell which just began may be lost.)
start_watcher() {
  steps=0
  say 0 0 > "$work/deadline"
  (
    exec >/dev/null 2>&1 7>&- 8>&-
    cd "$work/watch" || exit
    watched=0 passed=0
    while sleep 1 && [ -e "$work/deadline" ]; do
      read -r number limit < "$work/deadline" || continue
      if [ "$number" != "$watched" ]; then watched=$number passed=0 grace=0; fi
      passed=$((passed + 1))
      if [ "$number" -eq 0 ] || [ $passed -lt "$limit" ]; then continue; fi
      say > "$work/late"
      # The reader of the table is stopped alone first, so that what it gave until now is kept.
      readers=$(ours /reader)
      if [ -n "$readers" ]; then
        grace=5
      elif [ "$grace" -gt 0 ]; then
        grace=$((grace - 1))
        continue
      else
        readers="$(ours /step) $(ours /tree)"
      fi
      # shellcheck disable=SC2086
      kill -KILL $readers
    done
  ) &
  watcher=$!
}

# step SECONDS FUNCTION [ARGUMENT]...: does a part of the work, and ends it when its time is up.
step() {
  limit=$1
  shift
  steps=$((steps + 1))
  printf '' > "$work/current"
  say $steps "$limit" > "$work/deadline"
  (
    exec >/dev/null 2>> "$work/noise" 7>&- 8>&-
    cd "$work/step" || exit
    "$@"
    exit
  ) &
  wait $! 2>/dev/null
  outcome=$?
  say 0 0 > "$work/deadline"
  case $outcome in
    0) ;;
    9) die_full ;;
    *) if [ -s "$work/current" ]; then
      IFS=$TAB read -r member origin began < "$work/current"
      note failed "no result within $limit seconds; stopped, with all that was left of this step"
    fi ;;
  esac
  if [ -e "$work/late" ]; then rm -f "$work/late"; fi
}

# ---- taking single things, each with a line for the inventory ------------------------------------------------------

# Hundredths of a second, counted from some moment on. Kept below 2^31: mksh counts no further.
clock() {
  up=0.00
  { read -r up word < /proc/uptime; } 2>/dev/null
  now=0000000${up%.*}${up#*.}
  while [ ${#now} -gt 7 ]; do now=${now#?}; done
  now=1$now
}

since() {
  clock
  elapsed=$((now - $1))
  if [ "$elapsed" -lt 0 ]; then elapsed=$((elapsed + 10000000)); fi
}

# begin MEMBER SOURCE: what is taken now. Fails for a name that the bundle cannot hold.
begin() {
  member=$1 origin=$2
  since "$started"
  began=$elapsed
  say "$member$TAB$origin$TAB$began" > "$work/current"
  case $member in
    *[!A-Za-z0-9._+:@,=~/-]*)
      member=$(printf '%s' "$member" | tr -c 'A-Za-z0-9._+:@,=~/ -' '?') origin=/$member
      note failed 'its name has characters that the bundle does not allow'
      return 1
      ;;
  esac
  if [ ${#member} -gt 100 ]; then note failed 'its path is longer than 100 characters' && return 1; fi
  case $member in
    */*) [ -d "$work/tree/${member%/*}" ] || mkdir -p "$work/tree/${member%/*}" 2>/dev/null || exit 9 ;;
  esac
  place=$work/tree/$member
}

# note STATUS REASON: the line for what was begun last.
note() {
  since "$started"
  say "$member$TAB$origin$TAB$1$TAB$2$TAB$began$TAB$((elapsed - began))" >> "$work/items" || exit 9
  : > "$work/current"
}

skip() {
  member=$1 origin=$2
  since "$started"
  began=$elapsed
  note absent "$3"
}

# Says why what was begun last failed, from the error message.
refuse() {
  message=''
  { read -r message < "$work/error"; } 2>/dev/null
  case $message in
    *'No space left'* | *'quota exceeded'* | *'write error'*) exit 9 ;;
  esac
  if [ -s "$place" ]; then
    note cut "reading stopped: ${message:-no message}"
    return
  fi
  rm -f "$place"
  case $message in
    *[Dd]enied* | *'not permitted'* | *'ermission'*) note denied "$message$without_root" ;;
    *'not implemented'* | *'No such'* | *'not supported'*) note absent "$message" ;;
    *) note failed "${message:-it ended with an error and no message}" ;;
  esac
}

# copy FILE [MEMBER]: a file of the host as it is.
copy() {
  begin "${2:-${1#/}}" "$1" || return
  if [ ! -e "$1" ]; then note absent 'no such file' && return 1; fi
  if { cat "$1" > "$place"; } 2> "$work/error"; then note captured ''; else refuse; fi
}

# copy_each PATTERN REASON: all files of that pattern; where there is none, why that is so.
copy_each() {
  none=yes
  for file in $1; do
    if [ ! -f "$file" ] || [ "$file" = "$count_file" ]; then continue; fi
    none=''
    copy "$file"
  done
  if [ -n "$none" ]; then skip "${1#/}" "$1" "$2"; fi
}

# run MEMBER COMMAND [ARGUMENT]...: what a command prints.
run() {
  member=commands/$1
  shift
  begin "$member" "$*"
  if ! has "$1"; then note absent "$1 is not installed" && return 1; fi
  if { "$@" > "$place"; } 2> "$work/error"; then note captured ''; else
    refuse
    return 1
  fi
}

# part FILE COMMAND [ARGUMENT]...: what a command prints when it reads that file.
part() {
  file=$1 member=${MEMBER:-${1#/}}
  shift
  begin "$member" "$file" || return
  if [ ! -e "$file" ]; then note absent 'no such file' && return 1; fi
  if { "$@" < "$file" > "$place"; } 2> "$work/error"; then note captured ''; else refuse; fi
}

# ---- the steps ------------------------------------------------------------------------------------------------------

take_limits() {
  other='not needed: only other kernels have it'
  if [ -n "$count_file" ]; then
    copy "$count_file"
  else
    skip proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/netfilter/nf_conntrack_count \
      'connection tracking is not loaded, or this is Linux 2.4, which has no such file'
  fi
  copy_each '/proc/sys/net/netfilter/nf_conntrack_*' "$other"
  copy_each /proc/sys/net/nf_conntrack_max "$other"
  copy_each '/proc/sys/net/ipv4/netfilter/ip_conntrack_*' "$other"
  copy_each /proc/sys/net/ipv4/ip_conntrack_max "$other"
  for file in core/message_cost core/message_burst ipv4/ip_local_port_range; do copy /proc/sys/net/"$file"; done
  copy_each '/sys/module/nf_conntrack/parameters/*' "$other"
  copy_each '/sys/module/ip_conntrack/parameters/*' "$other"
}

take_slabs() {
  copy /proc/slabinfo
  if [ -d /sys/slab/nf_conntrack ]; then
    copy_each '/sys/slab/nf_conntrack/*' 'no such file'
  else
    copy_each '/sys/kernel/slab/nf_conntrack/*' 'no such folder: conntrack is not loaded, or its slab cache has no name of its own'
  fi
  copy /proc/meminfo
}

# True where conntrack(8) can talk to the kernel without the kernel loading a module for it.
netlink_ready() {
  if grep -q -E '^(nf|ip)_conntrack_netlink ' /proc/modules 2>/dev/null; then return 0; fi
  builtin_list=/lib/modules/$(uname -r)/modules.builtin
  if [ -r "$builtin_list" ]; then
    grep -q nf_conntrack_netlink "$builtin_list"
  else
    grep -q ' ctnetlink_' /proc/kallsyms 2>/dev/null
  fi
}

take_counters() {
  if [ -n "$stat_file" ]; then copy "$stat_file"; else
    skip proc/net/stat/nf_conntrack /proc/net/stat/nf_conntrack \
      'no such file: connection tracking is not loaded, or the kernel was built without it'
  fi
  if [ -n "$netlink" ]; then run conntrack-S conntrack -S; else skip commands/conntrack-S 'conntrack -S' "$no_netlink"; fi
}

take_host() {
  page_sizes='not needed: getconf told the page size'
  if run getconf-PAGESIZE getconf PAGESIZE; then
    for file in proc/self/smaps proc/1/statm proc/1/status; do skip "$file" /"$file" "$page_sizes"; done
  else
    part /proc/self/smaps sed -n '/^KernelPageSize:/{p;q;}'
    copy /proc/1/statm
    part /proc/1/status sed -n '/^VmSize:/p'
  fi
  if has getconf; then run cpu-count getconf _NPROCESSORS_ONLN; else run cpu-count grep -c '^processor' /proc/cpuinfo; fi
  run date-utc date -u '+%Y-%m-%dT%H:%M:%SZ'
  run uname uname -a
  run uname-r uname -r
  run uname-m uname -m
  take_machine_id
  for file in uptime version sys/kernel/hostname sys/kernel/random/boot_id modules; do copy /proc/"$file"; done
  if [ -e /etc/os-release ]; then
    copy /etc/os-release
    for file in etc/redhat-release etc/debian_version; do skip "$file" /"$file" 'not needed: os-release is there'; done
  else
    for file in os-release redhat-release debian_version; do copy /etc/"$file"; done
  fi
  # shellcheck disable=SC2016
  part /proc/cmdline awk '{ for (i = 1; i <= NF; i++) if ($i ~ /(nf|ip)_conntrack/) line = line (line == "" ? "" : " ") $i }
    END { if (line != "") print line }'
}

# The id itself stays here: its hash is enough to tell two bundles of one host from bundles of two.
take_machine_id() {
  file=/etc/machine-id
  if [ ! -r "$file" ]; then file=/var/lib/dbus/machine-id; fi
  begin commands/machine-id-sha256 "sha256sum of conntrack-report: and $file"
  id=''
  { read -r id < "$file"; } 2>/dev/null
  if [ -z "$id" ]; then note absent 'this host has no machine id that could be read' && return; fi
  if ! has sha256sum; then note absent 'sha256sum is not installed' && return; fi
  printf 'conntrack-report:%s' "$id" | sha256sum | sed 's/ .*//' > "$place" && note captured ''
}

take_settings() {
  for pattern in /etc/sysctl.conf '/etc/sysctl.d/*.conf' '/run/sysctl.d/*.conf' '/usr/local/lib/sysctl.d/*.conf' \
    '/usr/lib/sysctl.d/*.conf' '/lib/sysctl.d/*.conf' /etc/modprobe.conf '/etc/modprobe.d/*' /etc/modules '/etc/modules-load.d/*'; do
    looked=0 found=0
    for file in $pattern; do
      if [ ! -f "$file" ]; then continue; fi
      looked=$((looked + 1))
      if [ -r "$file" ] && ! grep -q -i conntrack "$file"; then continue; fi
      found=$((found + 1))
      part "$file" sed '/[cC][oO][nN][nN][tT][rR][aA][cC][kK]/!s/.*//'
    done
    if [ "$looked" -eq 0 ]; then skip "${pattern#/}" "$pattern" 'not needed: no such file'; fi
    if [ "$looked" -gt 0 ] && [ "$found" -eq 0 ]; then skip "${pattern#/}" "$pattern" 'not needed: no line in it names conntrack'; fi
  done
}

# log_lines COMMAND [ARGUMENT]...: the lines that concern us of a log that a command prints, for what was begun last.
log_lines() {
  {
    "$@" 2> "$work/error"
    say $? > "$work/status"
  } | grep -i -E 'conntrack|table full|(callbacks|messages) suppressed' | tail -n "$LOG_LINES" > "$place"
  read -r status < "$work/status"
  message=''
  { read -r message < "$work/error"; } 2>/dev/null
  case $status:$message in
    0:*[Nn]'o journal files'* | 0:*'not seeing messages'*)
      rm -f "$place"
      if [ "$user" = 0 ]; then note absent "$message"; else note denied "$message$without_root"; fi
      return
      ;;
    0:*) ;;
    *) refuse && return ;;
  esac
  if [ "$(wc -l < "$place")" -lt "$LOG_LINES" ]; then note captured ''; else note cut "only the last $LOG_LINES such lines"; fi
}

take_dmesg() {
  begin commands/dmesg dmesg
  if has dmesg; then log_lines dmesg; else note absent 'dmesg is not installed'; fi
}

take_journal() {
  begin commands/journalctl-k 'journalctl -k --no-pager -o short-iso'
  if has journalctl; then log_lines journalctl -k --no-pager -o short-iso; else note absent 'not needed: this host has no systemd journal'; fi
}

take_log() {
  begin "${1#/}" "$1"
  if [ -e "$1" ]; then log_lines cat "$1"; else note absent 'not needed: no such file'; fi
}

take_namespaces() {
  begin netns.csv '/proc/*/ns/net'
  if [ ! -e /proc/self/ns/net ]; then note absent 'not needed: this kernel does not show network namespaces' && return; fi
  {
    ls -id /run/netns/* /var/run/netns/* /run/docker/netns/* 2>/dev/null | sed -n 's|^ *\([0-9]*\) .*/\(.*\)|name \1 \2|p'
    ls -l /proc/[0-9]*/ns/net 2>/dev/null | sed -n 's|^.* /proc/\([0-9]*\)/ns/net -> net:\[\([0-9]*\)\]$|task \2 \1|p'
  } | awk -v own="$own_netns" -v list="$work/namespaces" '
    function add(text, word) { return index(";" text ";", ";" word ";") ? text : text (text == "" ? "" : ";") word }
    function quote(text) { gsub(/"/, "\"\"", text); return text ~ /[",;\r]/ ? "\"" text "\"" : text }
    $2 == own { next }
    !($2 in pids) { order[++n] = $2; pids[$2] = 0 }
    $1 == "name" { names[$2] = add(names[$2], $3) }
    $1 == "task" {
      if (!pids[$2]++) first[$2] = $3
      # "PID (NAME) STATE PARENT ...": children of process 2 are threads of the kernel, which say nothing.
      stat = ""; file = "/proc/" $3 "/stat"
      getline stat < file
      close(file)
      name = stat; sub(/^[0-9]+ \(/, "", name); sub(/\)[^)]*$/, "", name); gsub(/;/, "_", name)
      rest = stat; sub(/^.*\) [A-Za-z] /, "", rest)
      if (name != "" && $3 != 2 && rest !~ /^2 /) processes[$2] = add(processes[$2], name)
    }
    END {
      print "inode,pids,processes,names"
      for (i = 1; i <= n; i++) {
        id = order[i]
        print id "," pids[id] "," quote(processes[id]) "," quote(names[id])
        print id, (id in first ? first[id] : "-") > list
      }
    }' > "$place" 2> "$work/error" || { refuse && return; }
  if [ "$user" = 0 ]; then note captured ''; else note cut 'without root only the namespaces of own processes are seen'; fi
  if [ ! -e "$work/namespaces" ]; then return; fi
  while read -r inode pid; do
    member=netns/$inode/proc/net/stat/nf_conntrack
    if [ "$pid" = - ]; then
      skip "$member" "netns $inode" 'no process is in this namespace, and the collector enters none'
    else
      copy "/proc/$pid/net/stat/nf_conntrack" "$member"
    fi
  done < "$work/namespaces"
}

# moment FOLDER: the count and the counters, with the time.
moment() {
  mkdir -p "$work/tree/$1/proc/sys/net/netfilter" "$work/tree/$1/proc/net/stat" || exit 9
  copy /proc/uptime "$1/proc/uptime"
  if [ -n "$count_file" ]; then copy "$count_file" "$1$count_file"; fi
  if [ -n "$stat_file" ]; then copy "$stat_file" "$1$stat_file"; fi
}

# conntrack_slabs FOLDER: the conntrack lines of slabinfo. While the kernel counts a cache no packet passes on that CPU, and the
# largest caches, which are made at boot, come last: so nothing is read far beyond the last of these lines.
conntrack_slabs() {
  if [ -z "$slab_end" ] && [ -r "$work/tree/proc/slabinfo" ]; then
    last=$(sed -n '/^[ni][fp]_conntrack/=' "$work/tree/proc/slabinfo" | tail -n 1)
    # Caches that are made meanwhile come first.
    if [ -n "$last" ]; then slab_end=";$((last + 8))q"; fi
  fi
  MEMBER=$1/proc/slabinfo part /proc/slabinfo sed -n "/^slabinfo/p;/^# name/p;/^[ni][fp]_conntrack/p$slab_end"
}

take_series() {
  number=1
  while [ "$number" -le "$samples" ]; do
    if [ "$number" -gt 1 ] && [ "$interval" -gt 0 ]; then sleep "$interval"; fi
    folder_name=series/$number
    if [ "$number" -lt 10 ]; then folder_name=series/0$number; fi
    moment "$folder_name"
    conntrack_slabs "$folder_name"
    number=$((number + 1))
  done
}

take_after() {
  moment after
  conntrack_slabs after
}

# ---- the table ------------------------------------------------------------------------------------------------------

# stream MEMBER SOURCE LINES COMMAND [ARGUMENT]...: takes up to so many lines of the table, compressed as they come.
# Its size must be known for the archive: it is counted, and its digest computed, from the same stream. gzip -1 makes up
# for that: the bundle is a fifth larger than with gzip -6, and this host, which may have trouble enough, works less.
stream() {
  begin "$1" "$2"
  most=$3
  shift 3
  parts=$((parts + 1))
  packed=$work/table-$parts.gz
  rm -f "$work/status" "$work/counted" "$work/summed" "$work/unhidden"
  if has tee && mkfifo "$work/count-$parts" "$work/sum-$parts" 2>/dev/null; then
    wc -lc < "$work/count-$parts" > "$work/counted" &
    $digest_tool < "$work/sum-$parts" > "$work/summed" &
    rows "$@" | tee "$work/count-$parts" "$work/sum-$parts" | gzip -1 > "$packed" 2> "$work/gzip"
    packed_well=$?
    wait
  else
    rows "$@" | gzip -1 > "$packed" 2> "$work/gzip"
    packed_well=$?
    gzip -dc "$packed" | wc -lc > "$work/counted"
    gzip -dc "$packed" | $digest_tool > "$work/summed"
  fi
  if [ "$packed_well" -ne 0 ]; then exit 9; fi
  status=killed lines=0 bytes=0
  { read -r status < "$work/status"; } 2>/dev/null
  read -r lines bytes < "$work/counted"
  read -r digest word < "$work/summed"
  if [ "$lines" -eq 0 ] && [ "$status" != 0 ]; then
    if [ "$status" = killed ]; then
      note failed "no result within $TABLE_LIMIT seconds"
    else
      refuse
    fi
    return 1
  fi
  if [ -n "$digest_name" ]; then digest=$digest_name:$digest; else digest=''; fi
  say "$member$TAB$packed$TAB$bytes$TAB$lines$TAB$digest" >> "$work/tables" || exit 9
  about="of about $count entries"
  if [ -z "$count_file" ]; then about=entries; fi
  if [ -e "$work/late" ]; then
    note cut "stopped after $TABLE_LIMIT seconds, with $lines $about"
  elif [ -e "$work/unhidden" ]; then
    note cut "the addresses of $lines $about were replaced; at the next one awk stopped"
  # One that has just grown to so many entries may have more: how many "head" did not pass on, nobody says.
  elif [ "$lines" -ge "$most" ] && { [ "$status" != 0 ] || [ "$count" -ne "$max_entries" ]; }; then
    note cut "the first $lines $about, as --max-entries says"
  elif [ "$status" != 0 ]; then
    message=''
    { read -r message < "$work/error"; } 2>/dev/null
    note cut "reading stopped after $lines entries: ${message:-no message}"
  else
    note captured ''
  fi
}

rows() {
  if [ -z "$anonymize" ]; then
    read_table "$@" | head -n "$most"
  else
    read_table "$@" | head -n "$most" | hide table || say > "$work/unhidden"
  fi
}

read_table() {
  cd "$work/reader" || exit
  "$@" 2> "$work/error"
  say $? > "$work/status"
}

take_table_netlink() {
  stream commands/conntrack-L-ipv4 'conntrack -L -o extended -f ipv4' "$max_entries" conntrack -L -o extended -f ipv4 || return
  if [ "$lines" -ge "$max_entries" ]; then
    skip commands/conntrack-L-ipv6 'conntrack -L -o extended -f ipv6' 'IPv4 alone has as many entries as --max-entries allows'
  else
    stream commands/conntrack-L-ipv6 'conntrack -L -o extended -f ipv6' $((max_entries - lines)) conntrack -L -o extended -f ipv6
  fi
}

take_table() {
  parts=0
  if [ -n "$netlink" ] && { [ ! -r "${table_file:-/none}" ] || [ -n "$slow_table" ]; }; then
    if take_table_netlink; then
      if [ -n "$table_file" ]; then skip "${table_file#/}" "$table_file" 'not needed: it was read with conntrack -L'; fi
      return
    fi
  fi
  if [ -n "$table_file" ]; then
    stream "${table_file#/}" "$table_file" "$max_entries" cat "$table_file"
  elif [ -z "$netlink" ]; then
    skip proc/net/nf_conntrack /proc/net/nf_conntrack "no such file, and $no_netlink"
  fi
}

# Linux 2.4 counts its entries nowhere else.
take_line_count() {
  MEMBER=commands/wc-l-table part "$table_file" awk '!/^EXPECTING:/ { n++ } END { print n + 0 }'
}

take_expectations() {
  for file in /proc/net/nf_conntrack_expect /proc/net/ip_conntrack_expect; do
    if [ -e "$file" ]; then copy "$file" && return; fi
  done
  skip proc/net/nf_conntrack_expect /proc/net/nf_conntrack_expect 'no such file'
}

# Kernels before 6.16 start over at each read of /proc/net/nf_conntrack: minutes for some 100 000 entries.
table_is_slow() {
  release=$(uname -r)
  major=${release%%[!0-9]*} minor=${release#*.}
  minor=${minor%%[!0-9]*}
  if [ "$count" -lt $SLOW_READ ] || [ "${major:-0}" -gt 6 ]; then return 1; fi
  [ "${major:-0}" -lt 6 ] || [ "${minor:-0}" -lt 16 ]
}

# ---- pseudonyms ------------------------------------------------------------------------------------------------------

# get_key: from the file, or a new one. It is 64 hexadecimal digits in one line. Only tr, head and sed are needed for
# it, and it is in no argument of a program and in no variable that programs are given.
get_key() {
  key=''
  case $key_file in
    '' | /*) ;;
    *) key_file=./$key_file ;;
  esac
  if [ -n "$key_file" ] && [ -e "$key_file" ]; then
    if [ ! -f "$key_file" ]; then die "the key file $key_file is no file" 'Name another.'; fi
    if [ ! -r "$key_file" ]; then die "the key file $key_file cannot be read" 'Give yourself the right to read it, or name another.'; fi
    read -r key < "$key_file"
    check_key
    case $(ls -lnL "$key_file") in
      -???------*) ;;
      *) die "others than its owner may read or write the key file $key_file" "Deny it them: chmod 600 $key_file" ;;
    esac
    return
  fi
  if [ ! -c /dev/urandom ]; then die 'this host has no /dev/urandom to make a key from' 'Name the file of a key with --key-file.'; fi
  key=$(tr -dc '0-9a-f\n' < /dev/urandom 2>/dev/null | head -n 40 | tr -d '\n' | sed 's/^\(.\{64\}\).*/\1/')
  if [ -n "$key_file" ]; then
    # Never over a file that came in between.
    (set -C && say "$key" > "$key_file") 2>/dev/null || die "the key file $key_file cannot be made" 'Choose a place that you may write to.'
  fi
  key_file='the key that this host made'
  check_key
}

check_key() {
  help_key='Let the collector make one: name a file that is not there yet.'
  case $key in
    *[!0-9a-f]*) die "$key_file is no key file: its first line is not 64 hexadecimal digits" "$help_key" ;;
  esac
  if [ ${#key} -ne 64 ]; then die "$key_file is no key file: its first line is not 64 hexadecimal digits" "$help_key"; fi
  different=0
  for digit in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
    case $key in *$digit*) different=$((different + 1)) ;; esac
  done
  # A random key has fewer than nine different digits once in 10^12 times.
  if [ $different -lt 9 ]; then die "the key in $key_file is too regular to be a secret" "$help_key"; fi
}

# hide MODE: replaces what it reads, see PSEUDONYMS.
hide() {
  {
    say "$key"
    uname -n
    cat
  } | awk -v mode="$1" -v from=../tree "$PSEUDONYMS"
}

# The scheme "octet-tree-1". It replaces each address by another one:
#   - The first two bytes of an IPv4 address are one number; it is permuted among those of its block: 10/8, 100.64/10,
#     127/8, 169.254/16, 172.16/12, 192.168/16, 198.18/15, 0/8, 224/4, 240/4, and all that is public. The third byte and
#     the fourth are permuted too, by a permutation that the bytes before it choose. So an address has one pseudonym, two
#     have never the same, and what shares 16 or 24 bits goes on to. The /24 for documentation and for the IETF
#     keep their place, and for that the four /16 that they are in keep their first two bytes (192.0, 192.88, 198.51, 203.0).
#   - An IPv6 address likewise, by its eight numbers of 16 bits: neighbours in a /48 or /64 stay neighbours. The first
#     number stays among fc00::/8, fd00::/8 or 2000::/3, or else as it is (fe80::/10, ff00::/8 and the rest), and so do
#     2001:, 2001:0: (Teredo), 2001:db8:, 2002: and 3fff:. The IPv4 address in ::/96, ::ffff:0:0/96 and 64:ff9b::/96 gets
#     its own pseudonym.
#   - 0.0.0.0, 0.0.0.1, 127.0.0.1, 255.255.255.255, :: and ::1 stay, and hardware addresses of all zeros and ones.
#   - A permutation of 16 bits is six rounds of a Feistel network whose round functions are secret tables, one of 8 bits
#     three such tables in a row; what is added before each depends on the numbers before this one, by two polynomials with
#     secret factors modulo 2^26 - 5. Where a result is out of its block, the permutation is applied again.
#   - Tables and factors come from the key, through RC4 without its first 3072 bytes: it needs but additions, so that every
#     awk gives the same on every host. A name becomes "host-" or the like and 40 bits from RC4 over the key and the name.
# This is a pseudonym, no encryption. Who has the key can undo it. Who has not, and knows nothing of the network, has
# 2^256 keys to try. But how often an address occurs, at which ports, and who its neighbours are is there to be seen, and
# who knows some pairs (one own connection in the table makes two) knows their networks too, and with thousands of pairs
# may work out the tables: no cryptographer has looked at this tree.
#
# It takes one pass, and no more memory for a larger table: 20000 pseudonyms are kept, 6 to 26 MiB according to awk.
# Only what each awk has since 1988 is used, without intervals in patterns, and numbers below 2^53.
#
# mode start: prints what tells the key, and the name of this host. table: rows. text: any text.
# files: the list of what was looked for, after the members, each behind a tab, that are not among the files.
# shellcheck disable=SC2016
PSEUDONYMS='
  # The generator is RC4 without its first 3072 bytes, since that needs additions only, which every awk can do.
  function seed(text,  i, j, n, kept) {
    n = length(text)
    for (i = 0; i < 256; i++) box[i] = i
    j = 0
    for (i = 0; i < 256; i++) {
      j = (j + box[i] + code[substr(text, i % n + 1, 1)]) % 256
      kept = box[i]; box[i] = box[j]; box[j] = kept
    }
    at = 0; to = 0
    for (i = 0; i < 3072; i++) byte()
  }
  function byte(  kept) {
    at = (at + 1) % 256
    kept = box[at]
    to = (to + kept) % 256
    box[at] = box[to]; box[to] = kept
    return box[(box[at] + kept) % 256]
  }
  function number(limit,  i, n) {
    n = 0
    for (i = 0; i < 4; i++) n = n * 256 + byte()
    return n % limit
  }
  # keyed(USE, TEXT, N): N bytes as hexadecimal digits that only the key and the text determine.
  function keyed(use, text, n,  hex) {
    while (length(text) > 128) text = keyed("long", substr(text, 1, 128), 16) substr(text, 129)
    seed(use ":" key ":" text)
    hex = ""
    while (n-- > 0) hex = hex sprintf("%02x", byte())
    return hex
  }
  function name(use, text) {
    text = tolower(text)
    if (!((use, text) in named)) named[use, text] = use "-" keyed(use, text, 5)
    return named[use, text]
  }
  function digit(i) { return substr("0123456789abcdef0123456789ABCDEF", i + 1, 1) }
  function begin(  i, j, n, kept, list, part) {
    for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i
    for (i = 0; i < 32; i++) for (j = 0; j < 32; j++) hex2[digit(i) digit(j)] = i % 16 * 16 + j % 16
    seed("tables:" key)
    # Nine permutations of a byte, each twice in a row: so an index can be a sum of two bytes.
    for (n = 0; n < 9 * 512; n += 512) {
      for (i = 0; i < 256; i++) table[n + i] = i
      for (i = 255; i > 0; i--) {
        j = number(i + 1)
        kept = table[n + i]; table[n + i] = table[n + j]; table[n + j] = kept
      }
      for (i = 0; i < 256; i++) table[n + 256 + i] = table[n + i]
    }
    prime = 67108859 # the largest below 2^26: products stay exact in a double
    for (i = 4; i <= 8; i += 2) { start1[i] = number(prime); start2[i] = number(prime) }
    factor1 = 1 + number(prime - 1); factor2 = 1 + number(prime - 1)
    # What keeps its place among its neighbours: blocks of their own, and the way to the addresses that stay.
    list = "43518 49320 49152 49152.0 49152.2 49240 49240.99 50739 50739.100 51968 51968.113 0 0.0 0.0.0 0.0.1 " \
      "32512 32512.0 32512.0.1 65535 65535.255 65535.255.255 :8193 :8193:0 :8193:3512 :8194 :16383 " \
      ":0 :0:0 :0:0:0 :0:0:0:0 :0:0:0:0:0 :0:0:0:0:0:0 :0:0:0:0:0:65535 :65152 :65152:0 :65152:0:0 :65152:0:0:0 " \
      ":100 :100:65435 :100:65435:0 :100:65435:0:0 :100:65435:0:0:0 :100:65435:0:0:0:0 " \
      "m:0 m:0:0 m:0:0:0 m:65535 m:65535:65535 m:65535:65535:65535"
    n = split(list, part, " ")
    for (i = 1; i <= n; i++) stay[part[i]] = 1
    n = split("0 2560 25664 32512 44048 50706 64512 64768", part, " ")
    for (i = 1; i <= n; i++) narrow[part[i]] = 1
    for (i = 0; i < 12; i++) hex12 = hex12 "[0-9A-Fa-f]"
    pair = "[0-9A-Fa-f][0-9A-Fa-f]"
    hex32 = hex12 hex12 pair pair pair pair "[0-9A-Fa-f]*"
    mac = pair ":" pair ":" pair ":" pair ":" pair ":" pair
    dashed = pair "-" pair "-" pair "-" pair "-" pair "-" pair
    release = "^etc/(os-release|redhat-release|debian_version)$"
    known = 0
  }

  # ---- permutations: which one depends on the numbers of the address before this one, through two polynomials

  function root(family) { p = start1[family]; q = start2[family]; turn() }
  function below(x) { p = (p * factor1 + x + 1) % prime; q = (q * factor2 + x + 1) % prime; turn() }
  function turn() { a = p % 256; b = int(p / 256) % 256; c = q % 256; d = int(q / 256) % 256 }
  function mix16(x,  l, r) {
    l = int(x / 256); r = x % 256
    l = (l + table[r + a]) % 256
    r = (r + table[512 + l + b]) % 256
    l = (l + table[1024 + r + c]) % 256
    r = (r + table[1536 + l + d]) % 256
    l = (l + table[2048 + r]) % 256
    r = (r + table[2560 + l]) % 256
    return l * 256 + r
  }
  function mix8(x) { return (table[4096 + table[3584 + table[3072 + x + a] + b] + c] + d) % 256 }
  # Goes on until the result is in the block again, and no place of one that stays: so it is a permutation of the rest.
  function among8(x, path) {
    if (path == "") return mix8(x)
    if ((path x) in stay) return x
    do x = mix8(x); while ((path x) in stay)
    return x
  }
  function among16(tree, x, path,  home) {
    if (tree == 0 && path == "") return mix16(x)
    home = block(tree, x)
    if (home < 0 || (path x) in stay) return x
    do {
      if (home in narrow) x = int(x / 256) * 256 + mix8(x % 256); else x = mix16(x)
    } while (block(tree, x) != home || (path x) in stay)
    return x
  }
  # The block of a first part: its first number, or one that stands for what is scattered; -1: each is on its own.
  function block(tree, x) {
    if (tree == 4) {
      if (x < 256) return 0
      if (x >= 61440) return 61440
      if (x >= 57344) return 57344
      if (x >= 2560 && x < 2816) return 2560
      if (x >= 25664 && x < 25728) return 25664
      if (x >= 32512 && x < 32768) return 32512
      if (x >= 44048 && x < 44064) return 44048
      if (x == 50706 || x == 50707) return 50706
      return 1
    }
    if (tree == 6) {
      if (x >= 8192 && x < 16384) return 8192
      if (x >= 64512 && x < 64768) return 64512
      if (x >= 64768 && x < 65024) return 64768
      return -1
    }
    if (tree == 2001) return x < 512 ? 2 : 3
    return 4
  }

  # ---- addresses

  # What was worked out is kept, up to a bound; then it is worked out again.
  function remember() {
    if (++known <= 20000) return
    split("", token); split("", runs)
    split("", top4); split("", top4p); split("", top4q)
    split("", top6); split("", top6p); split("", top6q)
    known = 1
  }
  # four(AB, C, D) makes t4, t5 and t6 of the first two bytes and the others.
  function four(x, third, fourth,  path, key4) {
    path = ""
    if (x in stay) path = x "."
    # As text with a full stop: gawk never gives back what it takes for indexes that are numbers.
    key4 = x "."
    if (key4 in top4) { t4 = top4[key4]; p = top4p[key4]; q = top4q[key4]; turn() } else {
      root(4)
      t4 = among16(4, x, "")
      below(x)
      top4[key4] = t4; top4p[key4] = p; top4q[key4] = q
    }
    t5 = among8(third, path)
    if (path != "") path = ((path third) in stay) ? path third "." : ""
    below(third)
    t6 = among8(fourth, path)
  }
  function quad(x1, x2, x3, x4) {
    four(x1 * 256 + x2, x3, x4)
    return int(t4 / 256) "." t4 % 256 "." t5 "." t6
  }
  # Reads an IPv6 address into g[1] to g[8]; says so.
  function read6(text,  n, i, j, k, tail, octet) {
    dotted = 0
    whole = length(text) == 39 && text !~ /[^0-9A-Fa-f:]/ && split(text, part6, ":") == 8
    for (k = 1; whole && k <= 8; k++) {
      if (length(part6[k]) == 4) g[k] = hex2[substr(part6[k], 1, 2)] * 256 + hex2[substr(part6[k], 3)]; else whole = 0
    }
    if (whole) return 1
    if (text ~ /[^0-9A-Fa-f:.]/ || text ~ /:::/ || text !~ /:.*:/) return 0
    if (text ~ /\./) {
      if (!match(text, /[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/)) return 0
      if (split(substr(text, RSTART), octet, ".") != 4 || !octets(octet)) return 0
      tail = substr(text, 1, RSTART - 1)
      if (tail !~ /:$/ || tail ~ /\./) return 0
      text = tail sprintf("%x:%x", octet[1] * 256 + octet[2], octet[3] * 256 + octet[4])
      dotted = 1
    }
    n = split(text, part6, ":")
    k = 0
    if (text ~ /::/) {
      if (text ~ /::.*::/ || n > 9) return 0
      if (text ~ /^:/ && text !~ /^::/ || text ~ /:$/ && text !~ /::$/) return 0
      i = 1; j = 1
      if (part6[1] == "") i = 2
      while (part6[i] != "" && i <= n) g[++k] = part6[i++]
      i++
      if (i == n && part6[n] == "") i = n + 1
      for (j = 8 - (n - i + 1); k < j; ) g[++k] = "0"
      while (i <= n && k < 8) g[++k] = part6[i++]
      if (k != 8 || i <= n) return 0
    } else {
      if (n != 8) return 0
      for (k = 1; k <= 8; k++) g[k] = part6[k]
    }
    for (k = 1; k <= 8; k++) {
      n = length(g[k])
      if (n < 1 || n > 4) return 0
      if (n < 4) g[k] = substr("000" g[k], n)
      g[k] = hex2[substr(g[k], 1, 2)] * 256 + hex2[substr(g[k], 3, 2)]
    }
    return 1
  }
  function octets(octet,  i) {
    for (i = 1; i <= 4; i++) if (octet[i] !~ /^[0-9]+$/ || octet[i] > 255) return 0
    return 1
  }
  # six() makes t[1] to t[8] of g[1] to g[8]; an address that holds one of IPv4 holds its token.
  function six(  i, path, half) {
    if (g[3] + g[4] + g[5] == 0 && (g[1] + g[2] == 0 && (g[6] == 0 || g[6] == 65535) || g[1] == 100 && g[2] == 65435 && g[6] == 0)) {
      for (i = 1; i <= 6; i++) t[i] = g[i]
      four(g[7], int(g[8] / 256), g[8] % 256)
      t[7] = t4; t[8] = t5 * 256 + t6
      return
    }
    half = g[1] ":" g[2] ":" g[3] ":" g[4]
    path = ":"
    for (i = 1; i <= 8; i++) {
      if (i == 1 && half in top6) {
        split(top6[half], t, ":")
        p = top6p[half]; q = top6q[half]; turn()
        path = (":" half) in stay ? ":" half ":" : ""
        i = 5
      } else if (i == 1) root(6)
      t[i] = among16(i == 1 ? 6 : i == 2 && g[1] == 8193 ? 2001 : 0, g[i], path)
      if (path != "") path = ((path g[i]) in stay) ? path g[i] ":" : ""
      below(g[i])
      if (i == 4) { top6[half] = t[1] ":" t[2] ":" t[3] ":" t[4]; top6p[half] = p; top6q[half] = q }
    }
  }
  # As inet_ntop(3) prints it, or in full as /proc does, whichever the address was.
  function print6(  i, j, best, first, text, last) {
    if (whole) return sprintf("%04x:%04x:%04x:%04x:%04x:%04x:%04x:%04x", t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8])
    last = dotted ? 6 : 8
    best = 1; first = 0
    for (i = 1; i <= last; i = j + 1) {
      for (j = i; j <= last && t[j] == 0; j++);
      if (j - i > best) { best = j - i; first = i }
    }
    text = ""
    for (i = 1; i <= last; i++) {
      if (i == first) { text = text (i == 1 ? "::" : ":"); i += best - 1; continue }
      text = text sprintf("%x", t[i]) (i < last || dotted ? ":" : "")
    }
    if (dotted) text = text int(t[7] / 256) "." t[7] % 256 "." int(t[8] / 256) "." t[8] % 256
    return text
  }
  # An address that stands by itself. What is none, as where a row is cut, might be the beginning of one.
  function address(text,  octet, made) {
    if (text in token) return token[text]
    if (text == "") return ""
    if (split(text, octet, ".") == 4 && octets(octet)) made = quad(octet[1], octet[2], octet[3], octet[4])
    else if (read6(text)) { six(); made = print6() }
    else made = name("unreadable", text)
    remember()
    return token[text] = made
  }
  # Hardware addresses, also in a row as netfilter logs them: destination, source, and two bytes that are kept.
  function hardware(text, sign,  n, i, k, part, out, path) {
    n = split(text, part, sign)
    out = ""
    for (i = 1; i + 5 <= n; i += 6) {
      root(8)
      path = "m:"
      for (k = i; k < i + 6; k += 2) {
        g[1] = hex2[part[k]] * 256 + hex2[part[k + 1]]
        t[1] = among16(0, g[1], path)
        if (path != "") path = ((path g[1]) in stay) ? path g[1] ":" : ""
        below(g[1])
        out = out (out == "" ? "" : sign) sprintf("%02x%s%02x", int(t[1] / 256), sign, t[1] % 256)
      }
    }
    for (; i <= n; i++) out = out sign part[i]
    return out
  }

  # ---- text

  # A run of hexadecimal digits, colons and full stops.
  function run(text,  out, i, j, n) {
    n = length(text)
    for (i = 0; i <= 1; i++) for (j = 0; j <= 2; j++) {
      if (i && substr(text, 1, 1) != ":" || j && substr(text, n - j + 1, j) !~ /^[:.]+$/) continue
      if (read6(substr(text, 1 + i, n - i - j))) { six(); return substr(text, 1, i) print6() substr(text, n - j + 1) }
    }
    if (text ~ mac) {
      match(text, mac "(:" pair ")*")
      i = RSTART; j = RLENGTH
      return substr(text, 1, i - 1) hardware(substr(text, i, j), ":") substr(text, i + j)
    }
    # What has more colons than a time of day, or more full stops than an address, is part of an address at least.
    if (text ~ /::/ && text !~ /^::([Ff][Ff][Ff][Ff]:)?[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/ || \
      text ~ /:[0-9A-Fa-f]+:[0-9A-Fa-f]+:[0-9A-Fa-f]/ || text ~ /\..*\..*\..*\..*\..*\./) return name("unreadable", text)
    out = ""
    while (match(text, /[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/)) {
      i = RSTART; j = RLENGTH
      if (split(substr(text, i, j), octet4, ".") == 4 && octets(octet4)) {
        out = out substr(text, 1, i - 1) quad(octet4[1], octet4[2], octet4[3], octet4[4])
        text = substr(text, i + j)
      } else {
        j = index(substr(text, i), ".")
        out = out substr(text, 1, i + j - 1)
        text = substr(text, i + j)
      }
    }
    return out text
  }
  function scrub(text,  out, found) {
    out = ""
    while (match(text, /[0-9A-Fa-f]*[:.][0-9A-Fa-f]*[:.][0-9A-Fa-f:.]*/)) {
      found = substr(text, RSTART, RLENGTH)
      out = out substr(text, 1, RSTART - 1)
      text = substr(text, RSTART + RLENGTH)
      if (!(found in runs)) { remember(); runs[found] = run(found) }
      out = out runs[found]
    }
    return out text
  }

  # ---- names

  # learn(HOST): its name, and the names that go with it, wherever they stand by themselves. A word that these files
  # are made of is no name: to replace it would spoil them, and it tells nothing.
  function learn(text,  i) {
    ours = tolower(text)
    short = ours; domain = ""
    if (ours ~ /^[0-9.]+$/ || ours ~ /^localhost/ || ours ~ /^\(/) short = ""
    i = index(short, ".")
    if (i) { domain = substr(short, i + 1); short = substr(short, 1, i - 1) }
    if (common(short)) short = ""
    if (common(domain)) domain = ""
  }
  function common(word) {
    return length(word) < 2 || index(" lan local localdomain localhost home internal intern net com org netfilter ipv4 ipv6 nf ip " \
      "conntrack kernel linux options install table full dropping packet packets version buckets max messages callbacks suppressed " \
      "printk module tcp udp icmp root host domain netns process unreadable id proc sys etc run usr lib var log commands sysctl " \
      "conf modprobe modules no not such file is it as in of or src dst in out mac len tos ttl proto spt dpt ", " " word " ")
  }
  function host(text,  i) {
    text = tolower(text)
    if (text == "" || text ~ /^localhost/ || text ~ /^\(/ || scrub(text) != text) return scrub(text)
    i = index(text, ".")
    return i ? name("host", substr(text, 1, i - 1)) "." name("domain", substr(text, i + 1)) : name("host", text)
  }
  function swap(text, needle, wide,  out, low, k, full) {
    out = ""
    while ((k = index(tolower(text), needle)) > 0) {
      out = out substr(text, 1, k - 1)
      full = substr(text, k, length(needle))
      text = substr(text, k + length(needle))
      if (out ~ /[A-Za-z0-9]$/ || text ~ /^[A-Za-z0-9]/) { out = out full; continue }
      if (wide && match(out, /[A-Za-z0-9_-][A-Za-z0-9_.-]*\.$/)) {
        full = substr(out, RSTART) full
        out = substr(out, 1, RSTART - 1)
        out = out host(full)
      } else out = out name(wide ? "domain" : "host", full)
    }
    return out text
  }
  function renamed(text) {
    if (domain != "") text = swap(text, domain, 1)
    return short == "" ? text : swap(text, short, 0)
  }
  # prose(TEXT): a text that people or programs wrote.
  function prose(text,  out, i, n) {
    text = renamed(text)
    if (text ~ hex12) {
      out = ""
      while (match(text, hex32)) {
        out = out substr(text, 1, RSTART - 1) name("id", substr(text, RSTART, RLENGTH))
        text = substr(text, RSTART + RLENGTH)
      }
      text = out text
      out = ""
      while (match(text, "[a-z]x" hex12)) {
        n = substr(text, RSTART + 2, 12)
        for (i = 10; i > 0; i -= 2) n = substr(n, 1, i) ":" substr(n, i + 1)
        n = hardware(n, ":")
        gsub(/:/, "", n)
        out = out substr(text, 1, RSTART + 1) n
        text = substr(text, RSTART + 14)
      }
      text = out text
    }
    if (text ~ dashed) {
      out = ""
      while (match(text, dashed)) {
        out = out substr(text, 1, RSTART - 1)
        n = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        out = out hardware(n, "-")
      }
      text = out text
    }
    return scrub(text)
  }

  # ---- files

  # A row of the table. What stands beside its addresses holds neither colons nor full stops, or else is looked through.
  function row(text,  out, i, head) {
    out = ""
    while ((i = index(text, "src=")) > 0) {
      head = substr(text, 1, i + 3)
      text = substr(text, i + 4)
      if (head ~ /[.:]/) head = scrub(head)
      i = index(text, " ")
      if (!i) return out head address(text)
      out = out head address(substr(text, 1, i - 1))
      text = substr(text, i)
      if (substr(text, 1, 5) != " dst=") continue
      text = substr(text, 6)
      i = index(text, " ")
      if (!i) return out " dst=" address(text)
      out = out " dst=" address(substr(text, 1, i - 1))
      text = substr(text, i)
    }
    if (text ~ /[.:]/) text = scrub(text)
    return out text
  }
  # Lines of a log that begin with a time and the name of a host, which need not be this one.
  function logged(text,  front, i) {
    if (match(text, /^(<[0-9]+>)?[A-Z][a-z][a-z] +[0-9]+ ([0-9][0-9][0-9][0-9] )?[0-9]+:[0-9]+:[0-9.]+ [^ ]+ /) ||
      match(text, /^(<[0-9]+>)?([0-9]+ )?[0-9]+-[0-9]+-[0-9]+T[^ ]+ [^ ]+ /)) {
      front = substr(text, 1, RLENGTH - 1)
      text = substr(text, RLENGTH)
      i = match(front, /[^ ]+$/)
      return substr(front, 1, i - 1) (front ~ /:$/ ? substr(front, i) : host(substr(front, i))) prose(text)
    }
    return prose(text)
  }
  function csv(  i, value) {
    value = ""
    if (substr(rest, 1, 1) == "\"") {
      rest = substr(rest, 2)
      while ((i = index(rest, "\"")) > 0) {
        value = value substr(rest, 1, i - 1)
        rest = substr(rest, i + 1)
        if (substr(rest, 1, 1) != "\"") break
        value = value "\""
        rest = substr(rest, 2)
      }
      rest = substr(rest, 2)
      return value
    }
    i = index(rest, ",")
    if (!i) i = length(rest) + 1
    value = substr(rest, 1, i - 1)
    rest = substr(rest, i + 1)
    return value
  }
  function quote(text) { gsub(/"/, "\"\"", text); return text ~ /[",;\r]/ ? "\"" text "\"" : text }
  function namespaces(text,  out, list, part, n, i) {
    if (text ~ /^inode,/) return text
    rest = text
    out = csv() "," csv()
    n = split(csv(), part, ";")
    list = ""
    for (i = 1; i <= n; i++) list = list (i > 1 ? ";" : "") (part[i] ~ /[0-9][.:]/ ? name("process", part[i]) : prose(part[i]))
    out = out "," quote(list)
    n = split(csv(), part, ";")
    list = ""
    for (i = 1; i <= n; i++) list = list (i > 1 ? ";" : "") name("netns", part[i])
    return out "," quote(list)
  }
  # item(LINE): one of the list of what was looked for. What was captured is written anew, and the line that it has now returned.
  function item(text,  i, part, member) {
    split(text, part, "\t")
    member = part[1]
    if (member ~ /^(etc|run|usr|lib)\// && member !~ release) {
      i = match(member, /[^\/]*$/)
      member = substr(member, 1, i - 1) prose(substr(member, i))
    }
    if ((part[3] == "captured" || part[3] == "cut") && !(part[1] in streamed) && (length(member) > 100 || !rewritten(part[1], member))) {
      part[3] = "failed"
      part[4] = "its addresses could not be replaced"
    }
    return member "\t" prose(part[2]) "\t" part[3] "\t" prose(part[4]) "\t" part[5] "\t" part[6]
  }
  function rewritten(member, made,  line, got) {
    while ((got = (getline line < (from "/" member))) > 0) print hidden(member, line) > made
    if (got < 0) return 0
    printf "" > made
    close(from "/" member)
    if (close(made)) exit 9
    return 1
  }
  function hidden(member, text,  i, n, hex) {
    if (member ~ release) return text
    if (member ~ /^commands\/machine-id/) return keyed("machine", text, 32)
    if (member ~ /boot_id$/) {
      hex = keyed("boot", text, 16)
      return substr(hex, 1, 8) "-" substr(hex, 9, 4) "-" substr(hex, 13, 4) "-" substr(hex, 17, 4) "-" substr(hex, 21)
    }
    if (member ~ /kernel\/hostname$/) return host(text)
    if (member == "commands/uname" && match(text, /^[^ ]+ [^ ]+ /)) {
      n = RLENGTH
      i = index(text, " ")
      text = substr(text, 1, i) host(substr(text, i + 1, n - i - 1)) substr(text, n)
    }
    # A release of four numbers looks like an address.
    if (member ~ /^(commands\/uname|proc\/version)/) return renamed(text)
    if (member == "netns.csv") return namespaces(text)
    if (member ~ /^(var\/log|commands\/journalctl)/) return logged(text)
    if (member ~ /^(commands\/dmesg|etc|run|usr|lib|proc\/cmdline)/) return prose(text)
    return scrub(text)
  }
  # The key comes first, then the name of the host: neither is ever on a command line.
  NR == 1 { key = $0; begin(); next }
  NR == 2 { learn($0); if (mode == "start") { print keyed("key-id", "", 8); print ($0 == "" ? "unknown" : host($0)) } next }
  mode == "table" { print row($0) }
  mode == "text" { print prose($0) }
  mode == "files" && /^\t/ { streamed[substr($0, 2)] = 1; next }
  mode == "files" { print item($0) }'

# Runs in a step: writes all files that were taken anew, and the list of them. What cannot be rewritten is left out.
take_pseudonyms() {
  mkdir "$work/clean" && cd "$work/clean" || exit 9
  awk -F '\t' '{ print $1 }' "$work/items" | sed -n 's|/[^/]*$||p' | grep -v '[^A-Za-z0-9._+:@,=~/-]' | awk '!seen[$0]++' | xargs mkdir -p || exit 9
  { sed "s/$TAB.*//; s/^/$TAB/" "$work/tables" && cat "$work/items"; } | hide files > "$work/hidden" || exit
  [ "$(wc -l < "$work/hidden")" -eq "$(wc -l < "$work/items")" ] || exit
  mv "$work/tree" "$work/clear" && mv "$work/clean" "$work/tree" && mv "$work/hidden" "$work/items" || exit 9
  say > "$work/replaced" || exit 9
}

# ---- the archive ----------------------------------------------------------------------------------------------------

# tar_headers ZEROS: for each line "BYTES PATH" the path, and as a printf format the zeros behind the member before it and
# its ustar header; last, the zeros behind the last member, and so many more. No tar is needed that way, and the table
# can be put in as it was compressed.
tar_headers() {
  awk -v top="$top" -v epoch="$epoch" -v more="$1" '
    function nul(n,  text) { while (n-- > 0) text = text "\\000"; return text }
    function octal(n, digits,  text) { while (digits-- > 0) { text = (n % 8) text; n = int(n / 8) } return text }
    function sum(text,  i, total) {
      for (i = length(text); i > 0; i--) total += code[substr(text, i, 1)]
      return total
    }
    BEGIN {
      for (i = 32; i < 127; i++) code[sprintf("%c", i)] = i
      before = "0000600" nul(1) "0000000" nul(1) "0000000" nul(1)
      time = octal(epoch, 11)
      same = 256 + sum("0000600" "0000000" "0000000" time "0ustar00" top)
      after = nul(1) " 0" nul(100) "ustar" nul(1) "00" nul(80) top nul(167 - length(top))
    }
    {
      size = octal($1, 11)
      check = octal(same + sum(size) + sum($2), 6)
      print $2 " " nul(padding) $2 nul(100 - length($2)) before size nul(1) time nul(1) check after
      padding = (512 - $1 % 512) % 512
    }
    END { print "- " nul(padding + more) }'
}

# lay_out NAME [ZEROS]: from such lines the list of files that make up a stretch of the archive. What stands before each
# member becomes a small file too, so that one cat joins them all. (It is no loop of "read": some shells read byte by byte.)
lay_out() (
  mkdir "$work/$1" && formats=$(tar_headers "${2:-0}") || exit 9
  set -f
  IFS='
'
  number=0
  for line in $formats; do
    number=$((number + 1))
    printf "${line#* }" > "$work/$1/$number" || exit 9
    say "../$1/$number"
    case $line in
      '- '*) ;;
      *) say "${line%% *}" ;;
    esac
  done > "$work/$1.list" || exit 9
)

# measure FILE...: "PATH BYTES DIGEST" of the members that were captured as files, into the file "measures".
measure() {
  cd "$work/tree" || exit
  awk -F '\t' 'FILENAME ~ /tables$/ { table[$1] } FILENAME ~ /items$/ && /\t(captured|cut)\t/ && !($1 in table) { print $1 }' \
    "$work/tables" "$work/items" > "$work/files" || exit 9
  xargs wc -c < "$work/files" > "$work/sizes" || exit 9
  xargs "$digest_tool" < "$work/files" > "$work/digests" || exit 9
  awk -v kind="$digest_name" 'FILENAME ~ /sizes$/ && $2 != "total" { bytes[$2] = $1; order[++n] = $2 }
    FILENAME ~ /digests$/ { digest[$NF] = $1 }
    END { for (i = 1; i <= n; i++) print order[i] "\t" bytes[order[i]] "\t" kind (kind == "" ? "" : ":" digest[order[i]]) }' \
    "$work/sizes" "$work/digests" > "$work/measures" || exit 9
}

write_inventory() {
  awk -F '\t' '
    function quote(text) { gsub(/"/, "\"\"", text); return text ~ /[",\r]/ ? "\"" text "\"" : text }
    BEGIN { print "path,source,status,reason,start,seconds,bytes,digest" }
    FILENAME ~ /measures$/ { bytes[$1] = $2; digest[$1] = $3; next }
    FILENAME ~ /tables$/ { bytes[$1] = $3; digest[$1] = $5; next }
    { print quote($1) "," quote($2) "," $3 "," quote($4) "," sprintf("%.2f,%.2f", $5 / 100, $6 / 100) "," bytes[$1] "," digest[$1] }' \
    "$work/measures" "$work/tables" "$work/items" > "$work/tree/inventory.csv" || exit 9
}

command_line() {
  if [ -n "$anonymize" ]; then say "$discreet" | hide text; else say "$options"; fi
}

write_manifest() {
  {
    say key,value
    say format,conntrack-report bundle
    say format_version,1
    say collector_version,"$VERSION"
    say "command_line,\"$(command_line | sed 's/"/""/g')\""
    say "hostname,$host"
    say "captured_at,$captured_at"
    say "user_id,$user"
    say "table_max_entries,$max_entries"
    say "netns,$own_netns"
    if [ -n "$anonymize" ]; then
      say anonymized,octet-tree-1
      say "anonymized_key_id,$key_id"
    fi
  } > "$work/tree/manifest.csv" || exit 9
}

# sizes_of CONDITION: "BYTES PATH" of the members from these lines of the inventory.
sizes_of() {
  awk -F '\t' 'FILENAME ~ /measures$/ { size[$1] = $2; next } '"$1"' && $1 in size { print size[$1], $1 }' \
    "$work/measures" "$work/items"
}

# Several gzip streams, one after the other, are one: so the table goes in as it is.
write_bundle() {
  measure
  write_inventory
  write_manifest
  {
    wc -c manifest.csv
    sizes_of "FNR <= $split_at"
  } | lay_out first || exit 9
  {
    sizes_of "FNR > $split_at"
    wc -c inventory.csv
  } | lay_out last 1024 || exit 9
  {
    xargs cat < "$work/first.list" | gzip || exit 9
    parts=0
    while IFS=$TAB read -r member packed bytes word; do
      parts=$((parts + 1))
      say "$bytes $member" | lay_out "part-$parts" || exit 9
      gzip -c "$work/part-$parts/1" && cat "$packed" && gzip -c "$work/part-$parts/2" || exit 9
    done < "$work/tables"
    xargs cat < "$work/last.list" | gzip || exit 9
  } > "$work/bundle" || exit 9
}

# ---- the end --------------------------------------------------------------------------------------------------------

summarise() {
  size=$(wc -c < "$work/bundle" | awk '{ if ($1 < 1048576) printf "%.0f KiB", $1 / 1024; else printf "%.1f MiB", $1 / 1048576 }')
  say "${target:-$top.tar.gz to standard output}, $size"
  awk -F '\t' '
    function group(path) {
      if (path ~ /^series\//) return 7
      if (path ~ /^after\//) return 9
      if (path ~ /^netns/) return 6
      if (path ~ /dmesg|journalctl|^var\/log/) return 5
      if (path ~ /^(etc\/(sysctl|mod)|run|usr|lib)/) return 4
      if (path ~ /net\/stat|conntrack-S/) return 3
      if (path ~ /slab|meminfo/) return 2
      if (path ~ /^proc\/sys\/net|^sys\/module/) return 1
      if (path ~ /^proc\/net|conntrack-L/) return 8
      return 10
    }
    BEGIN { split("limits and timeouts;slab memory;counters;saved settings;kernel log;other namespaces;series;table;after the table;host", title, ";") }
    FILENAME ~ /tables$/ { entries += $4; next }
    $3 == "captured" || $3 == "cut" { files[group($1)]++ }
    $3 != "captured" && !($3 == "absent" && $4 ~ /^not needed/) { line = $1 ": " $3 ", " $4; if (!(line in seen)) missing[++n] = line; seen[line] }
    END {
      print "\nCaptured"
      for (i = 1; i <= 10; i++) if (files[i]) {
        amount = files[i] " item" (files[i] == 1 ? "" : "s")
        if (i == 8) amount = (entries + 0) " entries"
        printf "  %-22s%s\n", title[i], amount
      }
      if (n) print "\nNot captured, or not all of it"
      for (i = 1; i <= n; i++) print "  " missing[i]
      print "\nSend this file to your support contact."
    }' "$work/tables" "$work/items"
}

main() {
  umask 077
  set -u
  LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
  export LC_ALL PATH
  # Of what the caller exported, programs would be told the new value too.
  unset GZIP GREP_OPTIONS CDPATH ENV key
  read_options "$@"
  exec 7>&1 < /dev/null
  if [ -n "$to_stdout" ]; then exec 1>&2; fi
  work='' guardian='' watcher='' target=''
  trap leave EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  for tool in $NEEDED; do has "$tool" || die "$tool is not installed, or not on the PATH" 'Install it (busybox has it).'; done
  { renice -n 19 -p $$ || renice 19 $$; ionice -c 3 -p $$; } >/dev/null 2>&1

  clock
  started=$now
  key=''
  if [ -n "$anonymize" ]; then get_key; fi
  name_bundle
  make_room
  start_guardian
  user=$(id -u 2>/dev/null || sed -n 's/^Uid:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status 2>/dev/null) without_root=''
  if [ "$user" != 0 ]; then without_root='; run it as root'; fi
  own_netns=$(ls -l /proc/self/ns/net 2>/dev/null | sed -n 's/.*net:\[\(.*\)\]$/\1/p')
  count_file='' stat_file='' table_file=''
  for file in /proc/sys/net/ipv4/netfilter/ip_conntrack_count /proc/sys/net/netfilter/nf_conntrack_count; do
    if [ -e $file ]; then count_file=$file; fi
  done
  for file in ip_conntrack nf_conntrack; do
    if [ -e /proc/net/stat/$file ]; then stat_file=/proc/net/stat/$file; fi
    if [ -e /proc/net/$file ]; then table_file=/proc/net/$file; fi
  done
  count=0
  if [ -n "$count_file" ]; then count=$(cat "$count_file" 2>/dev/null || say 0); fi
  netlink='' no_netlink='conntrack is not installed'
  if has conntrack; then
    no_netlink='conntrack cannot be used: that would load the kernel module nf_conntrack_netlink'
    if netlink_ready; then netlink=yes; fi
  fi
  slow_table='' slab_end=''
  if table_is_slow; then slow_table=yes; fi
  if has sha256sum; then digest_tool=sha256sum digest_name=sha256; elif has cksum; then digest_tool=cksum digest_name=cksum; else
    digest_tool=wc digest_name=''
  fi
  for file in items tables current error noise bundle deadline; do { printf '' > "$work/$file"; } 2>/dev/null || die_full; done
  start_watcher

  step $STEP_LIMIT take_limits
  step $STEP_LIMIT take_slabs
  step $STEP_LIMIT take_counters
  step $STEP_LIMIT take_host
  step $STEP_LIMIT take_settings
  step $STEP_LIMIT take_dmesg
  step $STEP_LIMIT take_journal
  for file in /var/log/kern.log /var/log/messages /var/log/syslog; do step $STEP_LIMIT take_log $file; done
  step 60 take_namespaces
  step $((STEP_LIMIT + samples * (interval + 1))) take_series
  split_at=$(wc -l < "$work/items")
  # An entry takes 30 to 60 bytes, compressed, and is there twice while the bundle is put together.
  if [ -z "$count_file" ] && [ -n "$table_file" ]; then step $STEP_LIMIT take_line_count; fi
  if [ -n "$no_table" ]; then
    skip proc/net/nf_conntrack /proc/net/nf_conntrack '--no-table was given'
    skip proc/net/nf_conntrack_expect /proc/net/nf_conntrack_expect '--no-table was given'
  elif [ $((4096 + count / 8)) -gt "$free" ]; then
    skip proc/net/nf_conntrack /proc/net/nf_conntrack "not enough space for $count entries: $free KiB free in $folder"
  else
    step $TABLE_LIMIT take_table
    step $STEP_LIMIT take_expectations
  fi
  step $STEP_LIMIT take_after
  if [ -n "$anonymize" ]; then
    step $TABLE_LIMIT take_pseudonyms
    if [ ! -e "$work/replaced" ]; then die 'addresses and names could not be replaced' "Please report this with: $(tail -n 3 "$work/noise")"; fi
  fi
  step $TABLE_LIMIT write_bundle
  if [ ! -s "$work/bundle" ]; then die 'the bundle could not be put together' "Please report this with: $(tail -n 3 "$work/noise")"; fi

  if [ -n "$to_stdout" ]; then
    cat "$work/bundle" >&7 2>/dev/null || die 'standard output was closed' 'See why the command that reads it ended.'
  else
    summary=$(summarise)
    mv -f "$work/bundle" "$target" || die "$target cannot be written" 'Choose another place with --output.'
    say "$summary"
    exit 0
  fi
  summarise
  exit 0
}

main "$@"
