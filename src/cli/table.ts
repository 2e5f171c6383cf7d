import { footprints, readingFootprints } from '../base/footprint.ts';
import type { Given } from './parser.ts';
import type { Host } from './host.ts';

/** string: one value; optional: a value may follow after `=`; list: repeatable; count: how often. */
export interface FlagDefinition {
  readonly type: 'string' | 'optional' | 'boolean' | 'count' | 'list';
  readonly describe: string;
  readonly alias?: string;
  /** Words that complete it. */
  readonly values?: readonly string[] | 'checks' | 'files';
}

export interface CommandDefinition {
  readonly name: string;
  /** As yargs reads it: `explain <ID>`. */
  readonly usage: string;
  readonly describe: string;
  readonly flags: Readonly<Record<string, FlagDefinition>>;
  readonly examples?: readonly (readonly [command: string, what: string])[];
  /** Words that complete its argument. */
  readonly argument?: readonly string[] | 'checks';
  /** Loads the command itself, and only when it is run. */
  load(): Promise<(given: Given, host: Host) => Promise<number>>;
}

export const globalFlags = ['help', 'version'] as const;

const styleFlags = {
  color: {
    type: 'optional',
    describe: 'auto, always or never; --no-color is never. NO_COLOR and FORCE_COLOR are heeded',
    values: ['auto', 'always', 'never'],
  },
  ascii: { type: 'boolean', describe: 'no characters beyond ASCII' },
  width: { type: 'string', describe: 'columns of text; default: the terminal, or 120' },
  quiet: { type: 'boolean', alias: 'q', describe: 'causes in a line each, and what was not checked as a count' },
  verbose: { type: 'count', alias: 'v', describe: 'also what is usually folded: evidence, all names, oddities' },
} as const satisfies Record<string, FlagDefinition>;

const sourceFlags = {
  plugin: { type: 'list', describe: 'plug-in to load: a path or the name of a package (repeatable)', values: 'files' },
  config: {
    type: 'string',
    describe: 'configuration file; default: the nearest meshdoctor.config.yaml in this folder or above',
    values: 'files',
  },
} as const satisfies Record<string, FlagDefinition>;

const liveFlags = {
  context: {
    type: 'list',
    describe: 'context of a kubeconfig to open: a name, or several with commas, or with * (repeatable)',
  },
  'all-contexts': { type: 'boolean', describe: 'every context of the kubeconfig' },
  kubeconfig: { type: 'string', describe: 'kubeconfig file; default: $KUBECONFIG, else ~/.kube/config', values: 'files' },
  'in-cluster': {
    type: 'boolean',
    describe: 'the cluster this runs in, by its service account, and those of --kubeconfig, else those that its remote secrets open',
  },
  as: { type: 'string', describe: 'user to impersonate' },
  'as-group': { type: 'list', describe: 'group to impersonate (repeatable)' },
  'as-uid': { type: 'string', describe: 'UID to impersonate' },
} as const satisfies Record<string, FlagDefinition>;

const askFlags = {
  'istio-namespace': { type: 'string', alias: 'i', describe: 'a namespace of Istio beside those that are found' },
  'request-timeout': { type: 'string', describe: 'how long one request may take: 10s (default), 1m30s' },
  timeout: {
    type: 'string',
    describe: 'how long reading and probing may take altogether; default 60s. What is not known by then is not checked',
  },
  probe: {
    type: 'string',
    describe:
      'how far probes go: off, connect (TLS from here only), query (default: port-forward to istiod, sidecars and DNS), dry-run (API servers are asked to create a pod as a dry run, too: is it injected?) or pod (a pod is made in each cluster, asks from there, and is removed)',
    values: footprints,
  },
  'probe-image': {
    type: 'string',
    describe:
      'image of that pod, with tag or digest; it needs sh, getent, openssl, curl and timeout. Default: that of the sidecars of the cluster',
  },
  'probe-namespace': { type: 'string', describe: 'namespace of that pod: default (default)' },
  'max-targets': {
    type: 'string',
    describe: 'services that are tried at each gateway; default: those of --service (8 at most), else one',
  },
  sample: {
    type: 'string',
    describe: 'DURATION such as 30s: read the counters of every istiod twice, so far apart, and say which errors rise',
  },
  resolve: { type: 'list', describe: 'ADDRESS:PORT=HOST:PORT: where an address that probes meet is from here (repeatable)' },
  stats: { type: 'boolean', describe: 'requests and bytes per cluster, on standard error' },
} as const satisfies Record<string, FlagDefinition>;

/** Those of `askFlags` that let nothing be created. */
const { probe: _probe, 'probe-image': _probeImage, 'probe-namespace': _probeNamespace, ...lookFlags } = askFlags;

const directoryFlags = {
  manifests: {
    type: 'list',
    describe: 'NAME=DIR: a cluster, and the directory (or file) that holds its objects; - for standard input (repeatable)',
    values: 'files',
  },
  values: {
    type: 'list',
    describe: "NAME=[CHART[:NAMESPACE/RELEASE]:]FILE: values of Istio's charts istiod, gateway or base for a cluster (repeatable)",
    values: 'files',
  },
  complete: { type: 'boolean', describe: 'every directory holds its whole cluster: what is not there does not exist' },
  'taken-at': { type: 'string', describe: 'TIME at which the directories were written (RFC 3339): their present' },
  now: { type: 'string', describe: "TIME that expiry is judged by where a directory has no present; default: this machine's clock" },
} as const satisfies Record<string, FlagDefinition>;

const serviceFlag = {
  service: { type: 'list', describe: 'NAME.NAMESPACE[:PORT] that must be reachable from every cluster (repeatable)' },
} as const satisfies Record<string, FlagDefinition>;

const recordingFlag = {
  from: {
    type: 'list',
    describe: 'FILE that record wrote: its clusters as they were then; several are one mesh, NAME=FILE names the cluster (repeatable)',
    values: 'files',
  },
} as const satisfies Record<string, FlagDefinition>;

const checkFlags = {
  ...liveFlags,
  ...directoryFlags,
  ...recordingFlag,
  ...askFlags,
  ...serviceFlag,
  output: {
    type: 'list',
    alias: 'o',
    describe:
      "FORMAT[=FILE] (repeatable): text, short, json, yaml, junit, sarif, github, gitlab, markdown, digest, html, prometheus, openmetrics, or a plug-in's",
    values: [
      'text',
      'short',
      'json',
      'yaml',
      'junit',
      'sarif',
      'github',
      'gitlab',
      'markdown',
      'digest',
      'html',
      'prometheus',
      'openmetrics',
    ],
  },
  only: { type: 'list', describe: 'checks to run: ids, areas, globs or failure modes, with commas', values: 'checks' },
  skip: { type: 'list', describe: 'checks to leave out: ids, areas, globs or failure modes, with commas', values: 'checks' },
  overlay: {
    type: 'list',
    describe: 'NAME=DIR: manifests laid over a cluster; says what this would break that was well before (repeatable)',
    values: 'files',
  },
  without: {
    type: 'list',
    describe: 'CLUSTER:KIND/NAMESPACE/NAME: an object that is judged as if it were deleted, like --overlay (repeatable)',
  },
  baseline: { type: 'string', describe: 'FILE of findings that are known: shown, never a failure', values: 'files' },
  'write-baseline': { type: 'boolean', describe: 'write all findings of this run into the file of --baseline' },
  'prune-baseline': { type: 'boolean', describe: 'take out of the file of --baseline what is gone' },
  'fail-on': {
    type: 'string',
    describe: 'error (default), warning, info or never: the least severity that makes exit code 1',
    values: ['error', 'warning', 'info', 'never'],
  },
  'min-certainty': {
    type: 'string',
    describe: 'likely (default) or certain: the least certainty that makes exit code 1',
    values: ['certain', 'likely'],
  },
  show: {
    type: 'string',
    describe: 'error, warning, info (default), or all, which also unfolds; changes text and short, never the exit code',
    values: ['error', 'warning', 'info', 'all'],
  },
  advice: { type: 'boolean', describe: 'hygiene too: shown, never a failure' },
  forecast: { type: 'optional', describe: 'a time line of what ends by itself: certificates, tokens; =90d looks less far than a year' },
  watch: { type: 'optional', describe: 'look again every 30s, or =10s, and print what changes, as text or -o jsonl, until interrupted' },
  wait: { type: 'optional', describe: 'look again until the exit code is 0, for 5m at most, or =2m; then report the last look' },
  notify: {
    type: 'optional',
    describe: 'URL of a webhook that is told what changed since it was told last, with --history; without URL: $MESHDOCTOR_NOTIFY_URL',
  },
  'notify-file': { type: 'string', describe: 'FILE that holds the URL of the webhook', values: 'files' },
  'notify-format': {
    type: 'string',
    describe: 'what the webhook takes: generic (default: JSON), slack or teams',
    values: ['generic', 'slack', 'teams'],
  },
  'notify-required': { type: 'boolean', describe: 'exit with 3 instead of 0 when the webhook could not be told' },
  history: {
    type: 'string',
    describe: 'DIR that keeps what every run found: the report says since when, how often, and what has cleared',
    values: 'files',
  },
  'require-complete': { type: 'boolean', describe: 'what the directories do not say makes exit code 3 too' },
  'allow-incomplete': {
    type: 'optional',
    describe: 'do not exit with 3 for facts that could not be read; =forbidden,unreachable for these reasons alone',
    values: ['forbidden', 'unreachable'],
  },
  'exit-zero': { type: 'boolean', describe: 'exit with 0 whatever is found' },
  ...sourceFlags,
  ...styleFlags,
} as const satisfies Record<string, FlagDefinition>;

/** The commands, in the order in which help shows them. Help, completion and the parser read this one table. */
export const commands: readonly CommandDefinition[] = [
  {
    name: 'check',
    usage: 'check',
    describe: 'Judge the meshes of the clusters given',
    flags: checkFlags,
    examples: [
      ['check --context east --context west', 'two clusters of a kubeconfig'],
      ['check --manifests east=./east --manifests west=./west', 'two clusters, from directories'],
      ['check --from mesh.tgz', 'a mesh that record wrote down'],
      ['check -o text -o junit=report.xml', 'the screen, and a file for CI'],
    ],
    load: async () => (await import('./commands/check.ts')).checkCommand,
  },
  {
    name: 'path',
    usage: 'path <FROM> <TO>',
    describe: 'Follow one call across clusters, hop by hop, and name the first hop that is broken',
    flags: {
      ...liveFlags,
      ...directoryFlags,
      ...recordingFlag,
      ...askFlags,
      output: {
        type: 'list',
        alias: 'o',
        describe: 'FORMAT[=FILE] (repeatable): text, json, mermaid or svg',
        values: ['text', 'json', 'mermaid', 'svg'],
      },
      ...sourceFlags,
      ...styleFlags,
    },
    examples: [
      ['path west/shop/deploy/client abc.shop:5000 --context east --context west', 'FROM is CLUSTER/NAMESPACE/NAME'],
      ['path west/shop/client abc.shop:5000 --from mesh.json.gz -o svg=call.svg', 'a picture of a call in a mesh that was recorded'],
    ],
    load: async () => (await import('./commands/path.ts')).pathCommand,
  },
  {
    name: 'record',
    usage: 'record',
    describe: 'Write all that check reads and measures of the clusters given into one file, for check --from',
    flags: {
      anonymize: {
        type: 'boolean',
        describe: 'pseudonyms for clusters, namespaces, networks, services, hosts and addresses; the findings stay the same',
      },
      output: {
        type: 'string',
        alias: 'o',
        describe: 'FILE to write: NAME.tgz or NAME.json.gz, or NAME.json uncompressed',
        values: 'files',
      },
      ...liveFlags,
      'context-index': {
        type: 'string',
        describe: 'N: of these contexts the one in this place, from 0; for Indexed Jobs, $(JOB_COMPLETION_INDEX)',
      },
      ...directoryFlags,
      ...askFlags,
      ...serviceFlag,
      ...sourceFlags,
      verbose: { type: 'count', alias: 'v', describe: 'how far it is, line by line, where there is no terminal' },
    },
    examples: [['record -o mesh.tgz --context east --context west', 'two clusters of a kubeconfig']],
    load: async () => (await import('./commands/record.ts')).recordCommand,
  },
  {
    name: 'fix',
    usage: 'fix [CAUSE]',
    describe: 'Plan the changes that mend a mesh, try them, and with --apply make them',
    flags: {
      plan: { type: 'boolean', describe: 'only plan (default)' },
      apply: { type: 'boolean', describe: 'make the changes, asking for each cluster, and look again' },
      yes: { type: 'boolean', alias: 'y', describe: 'do not ask' },
      allow: {
        type: 'list',
        describe: 'command: also run command lines of kubectl, istioctl and helm where no change of one object does it',
        values: ['command'],
      },
      undo: { type: 'string', describe: 'FILE that --apply wrote: take back what it did', values: 'files' },
      'undo-file': { type: 'string', describe: 'FILE that --apply writes; default: meshdoctor-undo-TIME.json', values: 'files' },
      settle: { type: 'string', describe: 'how long what was changed may take to show; default 2m' },
      'dry-run': { type: 'boolean', describe: 'ask API servers what they would say to each change (default); --no-dry-run does not' },
      output: { type: 'string', alias: 'o', describe: 'the plan as text (default) or json', values: ['text', 'json'] },
      ...liveFlags,
      ...directoryFlags,
      from: { type: 'list', describe: 'FILE that record wrote (repeatable): plan for its clusters as they were then', values: 'files' },
      ...serviceFlag,
      only: { type: 'list', describe: 'checks to run: ids, areas, globs or failure modes, with commas', values: 'checks' },
      skip: { type: 'list', describe: 'checks to leave out: ids, areas, globs or failure modes, with commas', values: 'checks' },
      'istio-namespace': askFlags['istio-namespace'],
      'request-timeout': askFlags['request-timeout'],
      timeout: askFlags.timeout,
      probe: askFlags.probe,
      resolve: askFlags.resolve,
      ...sourceFlags,
      ...styleFlags,
    },
    argument: 'checks',
    examples: [
      ['fix --context east --context west', 'what would be changed, and what it would clear'],
      ['fix missing-network-label --apply --context east --context west', 'mend one cause'],
      ['fix --apply --allow=command --context east --context west', 'run istioctl, too, where no change of one object does it'],
      ['fix --undo meshdoctor-undo-20261129120000.json', 'take it back'],
    ],
    load: async () => (await import('./commands/fix.ts')).fixCommand,
  },
  {
    name: 'guide',
    usage: 'guide [TOPOLOGY]',
    describe: 'Walk through setting up a mesh: what is done, and the command that comes next',
    flags: {
      primary: { type: 'list', describe: 'context of a primary (repeatable for multi-primary)' },
      remote: { type: 'list', describe: 'context of a remote, or of the other primaries (repeatable)' },
      'istio-version': { type: 'string', describe: 'release to install, such as 1.31.0; default: the one that is installed' },
      'mesh-id': { type: 'string', describe: "mesh ID; default: the mesh's own, or mesh1" },
      network: { type: 'list', describe: 'CONTEXT=NAME: network of a cluster; default: its own, or network1 and so on (repeatable)' },
      'cluster-id': { type: 'list', describe: 'CONTEXT=NAME: what Istio calls a cluster; default: its own, or the context (repeatable)' },
      revision: { type: 'string', describe: 'revision of istiod; default: the one that is installed, or default' },
      watch: { type: 'optional', describe: 'look again every 5s, or =30s, and show what changed, until all is done' },
      output: { type: 'string', alias: 'o', describe: 'text (default) or json', values: ['text', 'json'] },
      kubeconfig: liveFlags.kubeconfig,
      as: liveFlags.as,
      'as-group': liveFlags['as-group'],
      'as-uid': liveFlags['as-uid'],
      ...lookFlags,
      probe: {
        type: 'string',
        describe: 'how far probes go: off, connect (TLS from here only) or query (default: port-forward to istiod, sidecars and DNS)',
        values: readingFootprints,
      },
      'istio-namespace': { type: 'string', alias: 'i', describe: 'namespace of Istio; default istio-system' },
      ...serviceFlag,
      ...sourceFlags,
      ...styleFlags,
    },
    argument: ['primary-remote', 'multi-primary'],
    examples: [
      ['guide primary-remote --primary east --remote west', 'where the set-up stands, and what comes next'],
      ['guide multi-primary --primary east --primary west --watch', 'follow it in another terminal'],
    ],
    load: async () => (await import('./commands/guide.ts')).guideCommand,
  },
  {
    name: 'diff',
    usage: 'diff <before> [after]',
    describe: 'Compare two recordings, or a recording with the clusters as they are: what changed, and what it broke',
    flags: {
      ...liveFlags,
      ...askFlags,
      ...serviceFlag,
      output: { type: 'string', alias: 'o', describe: 'text (default) or json', values: ['text', 'json'] },
      only: checkFlags.only,
      skip: checkFlags.skip,
      'fail-on': checkFlags['fail-on'],
      'min-certainty': checkFlags['min-certainty'],
      advice: checkFlags.advice,
      'exit-zero': checkFlags['exit-zero'],
      ...sourceFlags,
      ...styleFlags,
    },
    examples: [
      ['diff yesterday.tgz today.tgz', 'two recordings'],
      ['diff yesterday.tgz --context east --context west', 'a recording, and the clusters now'],
    ],
    load: async () => (await import('./commands/diff.ts')).diffCommand,
  },
  {
    name: 'cleanup',
    usage: 'cleanup',
    describe: 'Remove pods that check --probe=pod could not remove itself, from all namespaces of the clusters given',
    flags: {
      'dry-run': { type: 'boolean', describe: 'only say what would be removed' },
      ...liveFlags,
      config: sourceFlags.config,
    },
    examples: [['cleanup --context east --context west', 'after a run that was killed']],
    load: async () => (await import('./commands/cleanup.ts')).cleanupCommand,
  },
  {
    name: 'list',
    usage: 'list',
    describe: 'List the checks',
    flags: {
      reads: { type: 'boolean', describe: 'also what each check reads' },
      ...sourceFlags,
      ...styleFlags,
    },
    load: async () => (await import('./commands/list.ts')).listCommand,
  },
  {
    name: 'explain',
    usage: 'explain <ID>',
    describe: 'Explain a check: why it matters, how to confirm, how to fix',
    flags: { ...sourceFlags },
    argument: 'checks',
    load: async () => (await import('./commands/explain.ts')).explainCommand,
  },
  {
    name: 'demo',
    usage: 'demo',
    describe: 'Serve a broken mesh as simulated clusters on this machine, and judge it',
    flags: {
      healthy: { type: 'boolean', describe: 'the same mesh in order' },
      story: { type: 'string', describe: 'another mesh: one of those that --list shows' },
      list: { type: 'boolean', describe: 'the meshes there are' },
      serve: { type: 'boolean', describe: 'keep the clusters up, to break and repair them with kubectl' },
      ...styleFlags,
    },
    load: async () => (await import('./commands/demo.ts')).demoCommand,
  },
  {
    name: 'rbac',
    usage: 'rbac',
    describe: 'Print the least rights that the selected checks and probes need, as YAML for kubectl apply',
    flags: {
      only: { type: 'list', describe: 'checks to run: ids, areas, globs or failure modes, with commas', values: 'checks' },
      skip: { type: 'list', describe: 'checks to leave out: ids, areas, globs or failure modes, with commas', values: 'checks' },
      advice: { type: 'boolean', describe: 'hygiene too' },
      probe: { type: 'string', describe: 'query (default), off, connect, dry-run or pod', values: footprints },
      fix: { type: 'boolean', describe: 'also the rights to change things that fix --apply and --undo take' },
      user: { type: 'list', describe: 'bind the role to this user, group:NAME or serviceaccount NAMESPACE/NAME (repeatable)' },
      ...sourceFlags,
    },
    examples: [['rbac --user meshdoctor/meshdoctor | kubectl --context east apply -f -', 'for a service account']],
    load: async () => (await import('./commands/rbac.ts')).rbacCommand,
  },
  {
    name: 'version',
    usage: 'version',
    describe: 'Show the version, and what it runs on',
    flags: { output: { type: 'string', alias: 'o', describe: 'text (default) or json', values: ['text', 'json'] } },
    load: async () => (await import('./commands/version.ts')).versionCommand,
  },
  {
    name: 'completion',
    usage: 'completion <SHELL>',
    describe: 'Print a completion script for bash, zsh or fish',
    flags: {},
    argument: ['bash', 'zsh', 'fish'],
    load: async () => (await import('./commands/completion.ts')).completionCommand,
  },
];
