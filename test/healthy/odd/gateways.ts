import { annotate, changed, label, put } from '../../../src/builder/edits/edit.ts';
import { isEastWestService, isPod } from '../../../src/builder/edits/find.ts';
import { at, edited, itemsAt } from '../../../src/builder/edits/json.ts';
import {
  also,
  and,
  helmGateway,
  isKind,
  isNamespace,
  isPilotSlice,
  multiPrimary,
  network,
  primaryRemote,
  system,
  unnamed,
  where,
  without,
  type Odd,
} from './edits.ts';

/** Gateways between networks, and the address of istiod. */
export const gateways: Readonly<Record<string, () => Odd>> = {
  'gateways by the Helm chart, in a namespace of their own': () => ({
    built: unnamed.edit(helmGateway('istio-ingress', 'cross-gw', 'cross-gw')),
  }),
  'multi-primary gateways by the Helm chart': () => ({
    built: multiPrimary.edit(helmGateway('istio-gateways', 'istio-eastwest', 'eastwest')),
  }),
  'two gateways per network': () => ({
    built: multiPrimary.edit(
      where(
        isEastWestService,
        also('istio-eastwestgateway-b', (copy) => put(copy, ['status'], { loadBalancer: { ingress: [{ ip: '10.200.7.7' }] } })),
      ),
    ),
  }),
  'an internal second Service of the gateway, ClusterIP': () => ({
    built: multiPrimary.edit(
      where(
        isEastWestService,
        also('istio-eastwestgateway-internal', (copy) => put(put(copy, ['spec', 'type'], 'ClusterIP'), ['status'], { loadBalancer: {} })),
      ),
    ),
  }),
  'NodePort gateways with external nodes': () => ({
    built: multiPrimary.edit(
      and(
        where(isEastWestService, (object) =>
          annotate(put(put(object, ['spec', 'type'], 'NodePort'), ['status'], { loadBalancer: {} }), 'traffic.istio.io/nodeSelector', '{}'),
        ),
        where(isKind('Node'), (object) =>
          changed(object, ['status', 'addresses'], (old) => [
            ...itemsAt(old),
            { type: 'ExternalIP', address: object.metadata.name.endsWith('east') ? '203.0.113.7' : '203.0.113.8' },
          ]),
        ),
      ),
    ),
  }),
  'gateways with externalIPs (bare metal)': () => ({
    built: primaryRemote.edit(
      where(isEastWestService, (object) =>
        put(
          put(
            put(object, ['spec', 'externalIPs'], [String(at(object, 'status', 'loadBalancer', 'ingress', 0, 'ip'))]),
            ['spec', 'type'],
            'ClusterIP',
          ),
          ['status'],
          { loadBalancer: {} },
        ),
      ),
    ),
  }),
  'a load balancer that stays pending beside externalIPs': () => ({
    built: multiPrimary.edit(
      where(isEastWestService, (object) =>
        put(put(object, ['spec', 'externalIPs'], [String(at(object, 'status', 'loadBalancer', 'ingress', 0, 'ip'))]), ['status'], {
          loadBalancer: {},
        }),
      ),
    ),
  }),
  'gateways on another port by gatewayPort': () => ({
    built: multiPrimary.edit(
      where(isEastWestService, (object) =>
        label(
          changed(object, ['spec', 'ports', '*'], (port) => (at(port, 'port') === 15443 ? edited(port, ['port'], () => 443) : port)),
          'networking.istio.io/gatewayPort',
          '443',
        ),
      ),
    ),
  }),
  'meshNetworks instead of labels': () => ({
    built: multiPrimary.edit(
      and(
        where(isNamespace(system), (object) => label(object, network, undefined)),
        where(isEastWestService, (object) => label(object, network, undefined)),
        where(
          (object) => object.kind === 'ConfigMap' && at(object, 'data', 'meshNetworks') !== undefined,
          (object) =>
            put(
              object,
              ['data', 'meshNetworks'],
              'networks:\n  network1:\n    endpoints:\n    - fromRegistry: east\n    gateways:\n    - address: 10.200.1.1\n      port: 15443\n  network2:\n    endpoints:\n    - fromRegistry: west\n    gateways:\n    - registryServiceName: istio-eastwestgateway.istio-system.svc.cluster.local\n      port: 15443\n',
            ),
        ),
      ),
    ),
  }),
  'an autoscaler keeps three gateways and three istiods': () => ({
    built: primaryRemote.edit(
      where(
        (object) => object.kind === 'Deployment' && object.metadata.namespace === system,
        (object) => {
          const { replicas: _replicas, ...spec } = at(object, 'spec') as Record<string, unknown>;
          return { ...object, spec, status: { replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 3 } };
        },
      ),
    ),
  }),
  'a gateway rolls: one pod of two is not ready yet': () => ({
    built: multiPrimary.edit(
      where(
        (object) => isPod(object) && object.metadata.name.startsWith('istio-eastwest'),
        also('istio-eastwestgateway-7d9-new', (copy) =>
          put(put(copy, ['status', 'conditions'], [{ type: 'Ready', status: 'False' }]), ['status', 'podIP'], '10.1.200.200'),
        ),
      ),
    ),
  }),
  // Pilot address
  'remotePilotAddress is a host name, webhooks call the url': () => ({
    built: unnamed.edit(
      and(
        where(isEastWestService, (object) =>
          put(object, ['status'], { loadBalancer: { ingress: [{ hostname: `${String(object.metadata.uid)}.elb.example.com` }] } }),
        ),
        (objects) => {
          const host = `${String((objects.get('east') ?? []).find(isEastWestService)?.metadata.uid)}.elb.example.com`;
          return and(
            without(isPilotSlice, 'west'),
            where(
              (object) => object.kind === 'Service' && object.metadata.name === 'istiod',
              (object) => ({
                ...object,
                spec: {
                  type: 'ExternalName',
                  externalName: host,
                  ports: [
                    { name: 'tcp-istiod', port: 15012 },
                    { name: 'tcp-webhook', port: 443, targetPort: 15017 },
                  ],
                },
              }),
              'west',
            ),
            where(
              isKind('MutatingWebhookConfiguration'),
              (object) =>
                changed(object, ['webhooks', '*', 'clientConfig'], (old) => ({
                  caBundle: at(old, 'caBundle'),
                  url: `https://${host}:15017${String(at(old, 'service', 'path'))}`,
                })),
              'west',
            ),
          )(objects);
        },
      ),
    ),
  }),
  'DNS in front of the gateway: the remote knows a name of the company': () => ({
    built: unnamed.edit(
      and(
        without(isPilotSlice, 'west'),
        where(
          (object) => object.kind === 'Service' && object.metadata.name === 'istiod',
          (object) => ({
            ...object,
            spec: { type: 'ExternalName', externalName: 'istiod.corp.example.com', ports: [{ name: 'tcp-istiod', port: 15012 }] },
          }),
          'west',
        ),
        where(
          isKind('MutatingWebhookConfiguration'),
          (object) =>
            changed(object, ['webhooks', '*', 'clientConfig'], (old) => ({
              caBundle: at(old, 'caBundle'),
              url: `https://istiod.corp.example.com:15017${String(at(old, 'service', 'path'))}`,
            })),
          'west',
        ),
      ),
    ),
  }),
};
