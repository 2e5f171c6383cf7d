import { type ClusterName, defineCheck, type Entity, type IstioResource, type Json, list, ports } from 'meshdoctor/api';

export default defineCheck({
  id: 'leftover-global-name',
  title: 'Nothing is left of the names in .global',
  severity: 'warning',
  certainty: 'possible',
  scope: 'mesh',
  partial: true,
  needs: ['istioResources', 'gateways', 'services'],
  path: { hops: ['name'] },
  catalogue: ['DNS-12'],
  docs: {
    why: 'Until Istio 1.7 services of other clusters were named NAME.NAMESPACE.global, by a stub domain in the DNS of the cluster, ServiceEntries with made-up addresses (240.0.0.0/4, 127.255.0.0/16) and a gateway that rewrote the name. Since istiod reads the other clusters itself these stand beside the names that it makes: the same endpoints twice, of which one goes through a gateway that no longer rewrites, or is encrypted twice.',
    confirm:
      'kubectl --context CLUSTER get serviceentries,gateways.networking.istio.io -A | grep global; kubectl --context CLUSTER -n kube-system get configmap coredns -o yaml',
    fix: 'Let callers use NAME.NAMESPACE, then delete the ServiceEntries, the Gateway for *.global and the stub domain.',
    notWhen: 'Admiral still makes such names and keeps them working.',
    see: ['https://github.com/Azure/AKS/issues/1777'],
  },
  messages: {
    entry: (a: { entry: IstioResource; host: string; clusters: readonly ClusterName[] }) => ({
      text: `ServiceEntry ${a.entry.namespace}/${a.entry.name} in ${a.entry.ref.cluster} names ${a.host}, ${
        a.clusters.length === 0
          ? 'as multi-cluster meshes did until Istio 1.7'
          : `a Service of ${list(a.clusters)}, in the way of Istio 1.7: beside the name that istiod makes it is a second way to one service`
      }.`,
      expected: `${a.host.slice(0, -'.global'.length)} alone`,
      found: a.host,
      effect: 'callers of the old name go through what the new scheme no longer keeps up',
      ...(a.clusters.length === 0 ? { severity: 'info' as const } : {}),
    }),
    gateway: (a: { gateway: Entity; hosts: readonly string[] }) => ({
      text: `Gateway ${a.gateway.ref.namespace ?? ''}/${a.gateway.ref.name} in ${a.gateway.ref.cluster} is open for ${list(a.hosts)}, as multi-cluster meshes had it until Istio 1.7.`,
      severity: 'info',
      found: list(a.hosts),
    }),
  },
  *run({ clusters, finding }) {
    const holders = new Map<string, ClusterName[]>();
    const entries = clusters.flatMap(({ istioResources }) =>
      istioResources.filter(({ kind }) => kind === 'ServiceEntry').flatMap((entry) => globalHosts(entry).map((host) => ({ entry, host }))),
    );
    if (entries.length > 0) {
      for (const { name, services } of clusters) {
        for (const service of services) {
          const key = `${service.name}.${service.namespace}.global`;
          holders.set(key, [...(holders.get(key) ?? []), name]);
        }
      }
    }
    for (const { entry, host } of entries) {
      const known = (holders.get(host) ?? []).filter((cluster) => cluster !== entry.ref.cluster);
      const where = {
        at: entry.ref,
        field: '.spec.hosts',
        evidence: [{ ref: entry.ref, observed: host }],
        subject: host,
        concerns: [entry.ref.cluster],
      };
      yield finding('entry', { entry, host, clusters: known }, where);
    }
    for (const { gateways } of clusters) {
      for (const gateway of gateways) {
        // That of the new scheme is another matter, whatever hosts it was given.
        if (gateway.selector['istio'] === 'eastwestgateway') continue;
        const open = gateway.servers
          .filter(({ port }) => port === ports.crossNetwork)
          .flatMap(({ hosts }) => hosts.filter((host) => host.endsWith('.global')));
        if (open.length === 0) continue;
        yield finding(
          'gateway',
          { gateway, hosts: open },
          {
            at: gateway.ref,
            field: '.spec.servers',
            evidence: [{ ref: gateway.ref, observed: list(open) }],
            concerns: [gateway.ref.cluster],
          },
        );
      }
    }
  },
});

/** Hosts in `.global` of an entry that has what the old scheme gave it: a made-up address, or an endpoint at a gateway's port. */
function globalHosts({ spec }: IstioResource): string[] {
  const hosts = textsAt(spec, 'hosts').filter((host) => /^[^.]+\.[^.]+\.global$/.test(host));
  if (hosts.length === 0) return [];
  const isMadeUp = textsAt(spec, 'addresses').some((address) => /^(?:24\d|25[0-5])\.|^127\.255\./.test(address));
  const isAtGateway = listAt(spec, 'endpoints').some((endpoint) => Object.values(recordAt(endpoint, 'ports')).includes(ports.crossNetwork));
  return isMadeUp || isAtGateway ? hosts : [];
}

function listAt(value: Json, key: string): readonly Json[] {
  const found = isRecord(value) ? value[key] : undefined;
  return found !== undefined && isList(found) ? found : [];
}

function textsAt(value: Json, key: string): string[] {
  return listAt(value, key).filter((one) => typeof one === 'string');
}

function recordAt(value: Json, key: string): { readonly [key: string]: Json } {
  const found = isRecord(value) ? value[key] : undefined;
  return found !== undefined && isRecord(found) ? found : {};
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
