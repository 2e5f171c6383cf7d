import { gatewaySourceRanges } from '../../../src/builder/edits/load-balancer.ts';
import { secondIntermediateOne, secondIntermediateTwo, secondRoot } from '../../../src/builder/certificates.ts';
import { firstIntermediateOne, firstIntermediateTwo, firstRoot } from '../../../src/builder/certificates.ts';
import { caBundleReset } from '../../../src/builder/edits/injection.ts';
import { gatewayUnready } from '../../../src/builder/edits/east-west.ts';
import { anotherRoot, certificateReplaced } from '../../../src/builder/edits/trust.ts';
import { certificatesIn } from '../../../src/collect/certificates.ts';
import { tally } from '../../../src/model/decode.ts';
import { gatewayPods } from '../../../src/testkit/observed-edits.ts';
import type { Fault } from '../fault.ts';
import { istiodCallsEnd, istiodsPresent, podAsks, podsBehind, podTried, sidecarsHold, sidecarsTrust } from './calls-edits.ts';
import { proxiesAreNotAt } from './istiod-connections-edits.ts';
import { handshakesEnd, seen } from './measured-edits.ts';
import { publishedIntermediate, publishedRoot } from './published-edits.ts';

const abc = [{ namespace: 'shop', name: 'abc', port: 80 }];
const timeout = { stage: 'tcp', code: 'timeout', reason: 'no answer within 5 s' } as const;
const refused = { stage: 'tcp', code: 'refused', reason: 'connection refused' } as const;

/** The root of before, as sidecars hold it that were not restarted. */
const former = certificatesIn(tally(), firstRoot);

/** What calls, pods and sidecars meet on the way, which no object shows. */
export const faults: readonly Fault[] = [
  {
    id: 'appliance-ends-tls-before-istiod',
    mode: 'CPX-06',
    says: 'Somebody put an inspecting proxy before the gateway of the primary, which ends TLS with an authority of the company.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote on one network', 'two remotes'],
    edits: [],
    observed: seen(
      [],
      istiodsPresent('east', ({ sni }) => ({ dnsNames: [sni], issuer: 'O=Example, CN=Inspection', verifiedBy: [] })),
    ),
  },
  {
    id: 'address-leads-to-istiod-of-another-installation',
    mode: 'CPX-07',
    says: 'The address that remotes were given leads to an istiod of another system namespace under the same root.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two remotes'],
    edits: [],
    observed: seen(
      [],
      istiodsPresent('east', () => ({ dnsNames: ['istiod.istio-test.svc', 'istio-pilot.istio-test.svc'] })),
    ),
  },
  {
    id: 'ports-of-istiod-not-admitted',
    mode: 'CPX-05',
    says: 'The firewall before the gateway of the primary admits 15443 and neither 15012 nor 15017.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote on one network', 'two remotes'],
    edits: [],
    observed: seen([], istiodCallsEnd('east', timeout, 'as ever'), proxiesAreNotAt('east', 'west')),
  },
  {
    id: 'load-balancer-ends-calls-of-istiod',
    mode: 'CPX-05',
    says: 'The load balancer takes the ports of istiod for dead and ends connections to them, while the pods behind it answer.',
    meshes: ['primary-remote', 'primary-remote 1.24 with a revision'],
    edits: [],
    observed: seen([], istiodCallsEnd('east', { stage: 'reset', milliseconds: 3 }, 'as ever')),
  },
  {
    id: 'istiod-out-of-reach-for-two-days',
    mode: 'CPX-05',
    says: 'A firewall has dropped calls of the discovery port for two days, so that the certificates of workloads ran out.',
    meshes: ['primary-remote', 'primary-remote with a revision'],
    edits: [],
    observed: seen(
      abc,
      istiodCallsEnd('east', timeout, 'as ever'),
      proxiesAreNotAt('east', 'west'),
      sidecarsTrust('west', {
        certificate: {
          answer: {
            serial: '0b',
            uris: ['spiffe://cluster.local/ns/shop/sa/abc'],
            notBefore: '2026-11-20T08:00:00Z',
            notAfter: '2026-11-21T08:00:00Z',
          },
        },
      }),
    ),
    services: abc,
  },
  {
    id: 'nodes-of-remote-not-admitted',
    mode: 'EW-12',
    says: 'The load balancer of the primary admits the office to the cross-network port, and not the nodes of the remote.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'two remotes'],
    edits: [],
    services: abc,
    observed: seen(abc, podAsks('west', 'east', timeout)),
  },
  {
    id: 'nodes-of-peer-not-admitted',
    mode: 'EW-12',
    says: 'Egress of the nodes of one primary is limited to a list on which the gateway of another is missing.',
    meshes: ['two primaries', 'three primaries'],
    edits: [],
    services: abc,
    observed: seen(abc, podAsks('east', 'west', refused)),
  },
  {
    id: 'source-ranges-without-nodes-of-peer',
    mode: 'EW-12',
    says: 'Source ranges of the load balancer of one primary name the office and the nodes of before, and not those of the other primary.',
    meshes: ['two primaries', 'three primaries'],
    edits: [gatewaySourceRanges({ cluster: 'west', ranges: ['10.64.0.0/16', '192.168.7.0/24'] })],
    services: abc,
    observed: seen(abc, podAsks('east', 'west', timeout)),
  },
  {
    id: 'source-ranges-without-nodes-of-remote',
    mode: 'CPX-05',
    says: 'Source ranges of the load balancer before istiod name the office, and not the nodes of the remote.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote on one network', 'two remotes'],
    edits: [gatewaySourceRanges({ cluster: 'east', ranges: ['10.64.0.0/16'] })],
    observed: seen([], proxiesAreNotAt('east', 'west')),
  },
  {
    id: 'webhook-port-closed-to-api-server',
    mode: 'CLD-01',
    says: 'A firewall rule for the control plane of a managed cluster was taken away; nothing has asked for a new pod since.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'two primaries', 'two remotes'],
    edits: [],
    observed: (mesh) => seen([], podTried(mesh, 'west', 'shop', 'context deadline exceeded'))(mesh),
  },
  {
    id: 'webhook-port-closed-to-api-server-of-primary',
    mode: 'CLD-01',
    says: 'The security group of the nodes does not admit the control plane of their own primary on 15017.',
    meshes: ['two primaries', 'three primaries', 'two primaries on one network'],
    edits: [],
    observed: (mesh) => seen([], podTried(mesh, 'east', 'shop', 'dial tcp 10.96.0.17:443: i/o timeout'))(mesh),
  },
  {
    id: 'ca-bundle-of-before-and-a-new-pod-tried',
    mode: 'INJ-07',
    says: 'The injectors of a remote trust the root of before, and a pod was tried there.',
    meshes: ['primary-remote', 'primary-remote with a revision'],
    edits: [caBundleReset({ cluster: 'west', bundle: { pem: secondRoot } })],
    observed: (mesh) =>
      seen([], podTried(mesh, 'west', 'shop', 'tls: failed to verify certificate: x509: certificate signed by unknown authority'))(mesh),
  },
  {
    id: 'gateway-got-no-configuration',
    mode: 'EW-20',
    says: 'The pods of a gateway started while their istiod could not be reached, and opened no port but the one for health.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'two primaries'],
    edits: [gatewayUnready({ cluster: 'west' })],
    services: abc,
    observed: seen(
      abc,
      handshakesEnd('west', refused),
      gatewayPods('west', () => refused, 503),
    ),
  },
  {
    id: 'gateway-drained-by-hand',
    mode: 'EW-20',
    says: 'Somebody drained the Envoy of a gateway by its admin port a minute ago, and no probe of Kubernetes has failed often enough yet.',
    meshes: ['primary-remote', 'two primaries', 'three primaries'],
    edits: [],
    services: abc,
    observed: seen(
      abc,
      handshakesEnd('west', refused),
      gatewayPods('west', () => refused, 503),
    ),
  },
  {
    id: 'sidecars-never-heard-of-a-gateway',
    mode: 'EW-18',
    says: 'Sidecars of a cluster go on without the gateway that another got meanwhile, although istiod lists it.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'two primaries'],
    edits: [],
    services: abc,
    observed: seen(abc, sidecarsHold('west', [])),
  },
  {
    id: 'sidecars-kept-the-address-of-before',
    mode: 'EW-18',
    says: 'A gateway got another address, and sidecars of the other cluster still go to the one it had.',
    meshes: ['primary-remote', 'two primaries', 'three primaries'],
    edits: [],
    services: abc,
    observed: seen(abc, sidecarsHold('west', [{ address: '203.0.113.253', port: 15443 }])),
  },
  {
    id: 'sidecars-kept-addresses-of-pods',
    mode: 'EW-18',
    says: 'Sidecars still have the pods of the other network themselves, from the time before it had a gateway.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [],
    services: abc,
    observed: (mesh) => seen(abc, sidecarsHold('west', podsBehind(mesh, 'east', 'abc')))(mesh),
  },
  {
    id: 'workloads-kept-the-authority-of-before',
    mode: 'TRU-02',
    says: 'cacerts was replaced and istiod restarted; some workloads of the remote were not, and go on with the root of before.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'primary-remote with a revision'],
    edits: [certificateReplaced(firstRoot, secondRoot), certificateReplaced(firstIntermediateOne, secondIntermediateOne)],
    services: abc,
    observed: seen(abc, sidecarsTrust('west', { roots: { answer: former } })),
  },
  {
    id: 'workloads-of-primary-kept-the-authority-of-before',
    mode: 'TRU-02',
    says: 'All primaries were given a new authority, and the workloads of one of them were not restarted.',
    meshes: ['two primaries', 'two primaries on one network'],
    edits: [
      certificateReplaced(firstRoot, secondRoot),
      certificateReplaced(firstIntermediateOne, secondIntermediateOne),
      certificateReplaced(firstIntermediateTwo, secondIntermediateTwo),
    ],
    services: abc,
    observed: seen(abc, sidecarsTrust('east', { roots: { answer: former } })),
  },
  {
    id: 'sample-certificates-plugged-in',
    mode: 'TRU-10',
    says: 'The mesh was set up by the example with the certificates that lie beside it.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two remotes', 'two primaries'],
    edits: [certificateReplaced(firstRoot, publishedRoot), certificateReplaced(firstIntermediateOne, publishedIntermediate)],
  },
  {
    id: 'sample-root-of-self-made-intermediates',
    mode: 'TRU-10',
    says: 'Intermediates of the own were made for each cluster, under the root of the samples.',
    meshes: ['primary-remote with a revision', 'three primaries', 'ambient'],
    edits: [certificateReplaced(firstRoot, publishedRoot)],
  },
  {
    id: 'sample-certificates-in-one-primary',
    mode: 'TRU-10',
    says: 'A primary that was to join was set up with the certificates of the samples.',
    meshes: ['two primaries', 'three primaries'],
    edits: [anotherRoot({ cluster: 'west', root: publishedRoot, ca: 'plugged-in' })],
    also: ['TRU-01'],
  },
];
