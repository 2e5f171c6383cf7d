/** What `npm run real:bench` measured: medians of interleaved runs on the same servers. */
export interface Raced {
  readonly clusters: number;
  readonly services: number;
  readonly pods: number;
  readonly runs: number;
  readonly rows: readonly {
    readonly command: string;
    /** Version of Node.js; of our own commands only. */
    readonly node?: string;
    readonly seconds: number;
    /** Peak resident memory. */
    readonly mebibytes: number;
  }[];
}

/** As Markdown. */
export function raceTable({ services, pods, runs, rows }: Raced): string {
  const body = rows.map(
    ({ command, node, seconds, mebibytes }) =>
      `| \`${command}\`${node === undefined ? '' : `, Node.js ${node}`} | ${seconds.toFixed(2)} | ${Math.round(mebibytes)} |`,
  );
  return `Medians of ${runs} interleaved runs on a mesh whose remote has ${services} Services and ${pods} pods. The ratios hold elsewhere, the times do not.

| command | wall time, s | peak memory, MiB |
|---|---:|---:|
${body.join('\n')}`;
}
