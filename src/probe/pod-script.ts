/** What a pod is asked to do: the arguments of its script. */
export type PodQuestion =
  | { readonly is: 'name'; readonly asked: string }
  | { readonly is: 'handshake'; readonly host: string; readonly port: number; readonly sni: string }
  | { readonly is: 'call'; readonly url: string };

/**
 * POSIX sh, with getent, openssl, curl and timeout, as every image of Istio's proxy that is not distroless has them. It writes nothing
 * but to its log; each question is between two lines of its own.
 */
export const podScript = `for tool in getent openssl curl timeout; do command -v $tool >/dev/null || echo "=missing $tool"; done
n=0
while [ $# -gt 0 ]; do
  echo "=begin $n"
  case "$1" in
    name) timeout 5 getent ahosts "$2" 2>&1; s=$?; shift 2;;
    handshake) timeout 5 openssl s_client -connect "$2" -servername "$3" -alpn istio -showcerts </dev/null 2>&1; s=$?; shift 3;;
    call) timeout 8 curl -sS -m 7 -o /dev/null -w '=status %{http_code}\\n' "$2" 2>&1; s=$?; shift 2;;
    *) break;;
  esac
  echo "=end $n $s"
  n=$((n+1))
done
echo "=done"
`;

/** Arguments of the script for these questions, in their order. */
export function argumentsOf(questions: readonly PodQuestion[]): string[] {
  return questions.flatMap((question) => {
    switch (question.is) {
      case 'name':
        return ['name', question.asked];
      case 'handshake':
        return ['handshake', `${question.host.includes(':') ? `[${question.host}]` : question.host}:${question.port}`, question.sni];
      case 'call':
        return ['call', question.url];
      default:
        return question satisfies never;
    }
  });
}

/** What the script said to one question. */
export interface Said {
  readonly lines: readonly string[];
  /** Exit status; 124: it took too long. */
  readonly status: number;
}

/** The log of the script: answers in the order of the questions, tools that the image has not; `isDone` when it came to its end. */
export function readLog(log: string): { readonly said: readonly Said[]; readonly missing: readonly string[]; readonly isDone: boolean } {
  const said: Said[] = [];
  const missing: string[] = [];
  let lines: string[] = [];
  let isDone = false;
  for (const line of log.split(/\r?\n/)) {
    const [, tool] = /^=missing (\S+)$/.exec(line) ?? [];
    const [, status] = /^=end \d+ (\d+)$/.exec(line) ?? [];
    if (tool !== undefined) missing.push(tool);
    else if (/^=begin \d+$/.test(line)) lines = [];
    else if (status !== undefined) {
      said.push({ lines, status: Number(status) });
      lines = [];
    } else if (line === '=done') isDone = true;
    else lines.push(line);
  }
  return { said, missing, isDone };
}
