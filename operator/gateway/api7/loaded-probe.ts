/**
 * What a startup probe runs inside a gateway's container: 0 once the gateway has loaded its configuration. [M2] A normal
 * gateway over a store without APISIX's directory markers opens its port first, and answers 404 until each worker has read.
 *
 * It can be wrong in one direction only. What it needs (bash, /proc, the two ports) may be missing, and `/status/ready` has
 * two meanings; whatever it does not understand lets the pod take requests, as without it. Only a worker that is named as
 * one without a configuration holds the pod back for longer than `emptySeconds`.
 */
export interface LoadedProbe {
  configPath: string;
  /** Path of the question on the status port. */
  readyPath: string;
  ports: { http: number; status: number; control: number };
  /** Whose age is the container's: 1, the process that the container was started with. */
  pid: number;
  /** A gateway without any route (an empty group, or one whose control API does not answer) is let through at this age. */
  emptySeconds: number;
  /**
   * Older than this, always 0: a kubelet that restarts asks every running container again, and one that has been serving
   * must not be ended because a worker died in an outage. More than the probe's own limit.
   */
  oldSeconds: number;
}

/** [S] APISIX starts by /bin/sh, its images by bash; an image without bash has no gate. */
export function loadedCommand(probe: LoadedProbe): readonly string[] {
  return ["/bin/sh", "-c", 'command -v bash >/dev/null || exit 0; exec bash -c "$0" 2>/dev/null', script(probe)];
}

/** Nothing but bash itself, as the image may hold no curl. Every answer is read for its first 4 KiB. */
function script({ configPath, readyPath, ports, pid, emptySeconds, oldSeconds }: LoadedProbe): string {
  const listening = `:${ports.http.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
  return [
    "# 0 once the gateway has loaded its configuration (Holdfast)",
    `[[ $(<${configPath}) =~ config_provider:\\ *\\"?json ]] && exit 0 # a snapshot is loaded before the port opens`,
    `read -r up _ </proc/uptime; stat=$(</proc/${pid}/stat); set -- \${stat##*) }`,
    `age=$((\${up%.*} - \${20:-0} / 100)); ((age < 0)) && age=\${up%.*}`,
    `((age > ${oldSeconds})) && exit 0`,
    `tcp=$(</proc/net/tcp) && [[ $tcp != *"${listening}"* ]] && exit 1`,
    `ask() { text=; { printf 'GET %s HTTP/1.0\\r\\n\\r\\n' "$2" >&3; read -r -d '' -t 2 -N 4096 text <&3; } 3<>/dev/tcp/127.0.0.1/$1; }`,
    `ask ${ports.status} ${readyPath}`,
    `[[ $text == *"not received configuration"* || $text == *"status report count"* ]] && exit 1`,
    // What does not answer yet may name a worker in a moment, so that one that has loaded is not enough.
    `[[ -n $text ]] && { ask ${ports.control} /v1/routes; [[ $text == HTTP/*" 200 "*$'\\r\\n\\r\\n['*"{"* ]]; } && exit 0`,
    `((age >= ${emptySeconds}))`,
  ].join("\n");
}
