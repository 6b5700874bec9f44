# The lab's two sides, Ansible, and how a step is judged; read by e2e and soak, which set
# `logs`, LAB_NAME and `listed` (hosts of lab-trails.net on the list that is fetched).
# shellcheck shell=bash

: "${logs:?}" "${listed:?}"
[[ $EUID -eq 0 ]] || { echo "$0: needs root: run it with sudo" >&2; exit 1; }
for pair in rsyslogd:rsyslog tcpreplay:tcpreplay; do
  command -v "${pair%%:*}" >/dev/null || { echo "$0: ${pair%%:*} is missing; run: apt-get install -y ${pair##*:}" >&2; exit 1; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/maltrail-lab.XXXXXX")
passed=0
failed=0
started=$SECONDS
pids=()
rm -rf "$logs"
mkdir -p "$logs"

note() { printf '\n== %s ==\n' "$*"; }

finish() {
  local status=$? pid number
  trap - EXIT
  if [[ ${KEEP:-} == 1 ]]; then
    printf 'e2e: the lab %s is still up; end it: LAB_NAME=%s tools/lab down; kill %s\n' "$LAB_NAME" "$LAB_NAME" "${pids[*]}"
  else
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    for ((number = 1; number <= ${LAB_HOSTS:-1}; number++)); do
      LAB_AT=$number tools/lab host journalctl --no-pager -o short-precise >"$logs/journal.$number.log" 2>/dev/null || true
    done
    tools/lab down || true
    rm -rf "$work"
  fi
  if [[ $status -ne 0 && $failed -eq 0 ]]; then failed=1; fi
  printf '\n%d s in all, logs in %s\n%d passed, %d failed\n' "$((SECONDS - started))" "${logs#"$root"/}" "$passed" "$failed"
  [[ $failed -eq 0 ]] || exit 1
}

# --- how a step is judged -------------------------------------------------------------------------

seconds() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# The command runs in a shell of its own with errexit on: a condition around it would switch that off,
# and a check would pass by its last line alone. So `check` and `must` never stand in a condition.
check() { # check TITLE COMMAND...: run it, say how it went and what it took
  local title=$1 begin=$EPOCHREALTIME
  shift
  set +e
  (set -e; "$@") >"$work/step.log" 2>&1
  outcome=$?
  set -e
  if [[ $outcome -eq 0 ]]; then
    passed=$((passed + 1))
    printf 'ok    %s (%s s)\n' "$title" "$(seconds "$begin")"
  else
    failed=$((failed + 1))
    printf 'FAIL  %s (%s s)\n' "$title" "$(seconds "$begin")"
    tail -n 40 "$work/step.log" | sed 's/^/      | /'
  fi
}

must() { # the same for what later steps build on
  check "$@"
  if [[ $outcome -ne 0 ]]; then exit 1; fi
}

within() { # within SECONDS COMMAND...: try until it succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    if ((SECONDS >= end)); then return 1; fi
    sleep 0.2
  done
}

# --- the other side: a list server, a receiver, a wire ------------------------------------------------

in_peer() { ip netns exec "$LAB_PEER_NS" "$@"; }

host() { tools/lab host "$@"; }

start_peer() { # not in a shell of its own: it notes what must be ended
  mkdir -p "$work/received"
  sed "s#RECEIVED#$work/received#" tests/lab/rsyslog.conf >"$work/rsyslog.conf"
  # Not by in_peer: what is noted must be the process itself, not a shell around it.
  ip netns exec "$LAB_PEER_NS" rsyslogd -n -f "$work/rsyslog.conf" -i "$work/rsyslog.pid" >"$logs/rsyslogd.log" 2>&1 &
  pids+=($!)
  start_list_server
}

start_list_server() {
  mkdir -p "$work/www"
  printf '%s.lab-trails.net\n' "${listed[@]}" >"$work/www/list.txt"
  ip netns exec "$LAB_PEER_NS" python3 -m http.server --directory "$work/www" --bind "$LAB_PEER" 8080 >"$logs/http.log" 2>&1 &
  pids+=($!)
}

peer_listens() { # peer_listens PORT...
  local port
  for port in "$@"; do
    within 10 in_peer sh -c "ss -H -ltn sport = :$port | grep -q ."
  done
}

send_query() { # send_query NAME...: DNS queries over the wire
  .venv/bin/python tests/lab/capture.py "$work/query.pcap" "$@"
  in_peer tcpreplay -q -t -i "$LAB_WIRE" "$work/query.pcap"
}

received() { grep -a "CEF:0|Maltrail|maltrail-agent|" "$work/received/events.log" 2>/dev/null | grep -aqE "$1"; }

# --- Ansible -------------------------------------------------------------------------------------------

write_inventory() {
  mkdir -p "$work/lists"
  printf 'own.lab-trails.net,own list (malware),lab\n' >"$work/lists/own.csv"
  cat >"$work/inventory.yml" <<EOF
---
all:
  children:
    sensors:
      hosts:
        lab: {ansible_host: $LAB_HOST}
EOF
  write_connection
  cat >"$work/vars.yml" <<EOF
---
maltrail_agent_wheelhouse: $root/build/wheelhouse
maltrail_agent_trails: [$work/lists/own.csv]
maltrail_agent_config:
  sensor:
    name: sensor1.lab.example
    site: lab
  capture:
    interfaces: [eth0]
  update:
    defaults: false
    lists:
      - name: lab
        url: http://$LAB_PEER:8080/list.txt
        format: plain
        info: lab list (malware)
        insecure_http: true
        period: 1m
  outputs:
    - name: siem
      type: syslog
      address: $LAB_PEER:5514
      format: cef
EOF
}

write_connection() {
  mkdir -p "$work/group_vars"
  cat >"$work/group_vars/all.yml" <<EOF
---
ansible_user: root
ansible_python_interpreter: /usr/bin/python3
ansible_ssh_private_key_file: $LAB_KEY
ansible_ssh_common_args: -o UserKnownHostsFile=$LAB_KNOWN_HOSTS -o StrictHostKeyChecking=yes -o ControlPath=$work/ssh-%C
EOF
}

play() { # play LOG [OPTIONS]: apply the role; the recap is the last line that counts
  local log=$logs/$1
  shift
  ANSIBLE_NOCOLOR=1 ANSIBLE_HOME=$work/ansible ANSIBLE_ROLES_PATH=$root/deploy/ansible/roles ANSIBLE_PIPELINING=1 \
    in_peer "$LAB_ANSIBLE/ansible-playbook" -i "$work/inventory.yml" -e "@$work/vars.yml" \
    "$@" tests/lab/playbook.yml >"$log" 2>&1 || { tail -n 40 "$log"; return 1; }
  grep -E 'ok=[0-9]+ .*failed=0' "$log"
}

play_unchanged() { # the same, and no host was changed
  play "$@"
  if grep -E 'ok=[0-9]+ .*changed=[1-9]' "$logs/$1"; then grep -B 1 -A 12 '^changed:' "$logs/$1"; return 1; fi
}

lint() {
  (cd deploy/ansible && PATH="$LAB_ANSIBLE:$PATH" ANSIBLE_HOME="$work/ansible" "$LAB_ANSIBLE/ansible-lint" --offline --profile production)
}

main_pid() { host systemctl show -P MainPID "$1"; }

all_active() {
  host systemctl --no-pager status maltrail-agent maltrail-agent-deliver maltrail-agent-update.timer
  [[ $(host systemctl is-active maltrail-agent maltrail-agent-deliver maltrail-agent-update.timer | sort -u) == active ]]
}

quiet_journal() {
  ! host journalctl --no-pager -u 'maltrail-agent*' | grep -E 'Traceback|Failed with result|watchdog|core-dump'
}

build_all() { # side by side: one waits for packages while the other compiles
  tools/lab build &
  tools/wheelhouse
  wait $!
}

prepare() {
  note "prepare"
  must "wheelhouse with the compiled agent; Debian root and Ansible (cached)" build_all
  must "host booted" tools/lab up
  start_peer
  must "receiver and list server" peer_listens 5514 8080
  write_inventory
}

trap finish EXIT
eval "$(tools/lab info)"
