import { exposedTerminating, injectorsCallUrl, istiodRouteFor } from '../../../src/builder/edits/istiod-names.ts';
import { podsRefused } from '../../../src/builder/edits/refusals.ts';
import { proxiesAsk, sidecarsUnready } from '../../../src/builder/edits/revisions.ts';
import type { Fault } from '../fault.ts';

/** By which name, with whose certificate and over which route remotes get to istiod. */
export const faults: readonly Fault[] = [
  {
    id: 'istiod-exposed-with-company-certificate',
    mode: 'CPX-06',
    says: 'The gateway for istiod was changed to end TLS with a certificate of the company, which neither webhooks nor proxies trust.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote on one network', 'two remotes'],
    edits: [
      exposedTerminating({ cluster: 'east', credential: 'company-tls' }),
      podsRefused({ cluster: 'west', reason: 'tls: failed to verify certificate: x509: certificate signed by unknown authority' }),
    ],
  },
  {
    id: 'istiod-exposed-with-certificate-before-rollout',
    mode: 'CPX-06',
    says: 'The gateway for istiod was changed to end TLS an hour ago; rollouts in the remote are refused since, old pods still run.',
    meshes: ['primary-remote', 'primary-remote 1.24'],
    edits: [
      exposedTerminating({ cluster: 'east', credential: 'lets-encrypt' }),
      podsRefused({
        cluster: 'west',
        reason: 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
        minutesAgo: 50,
        only: 'sidecars',
      }),
    ],
  },
  {
    id: 'webhooks-call-name-of-load-balancer',
    mode: 'CPX-07',
    says: 'The webhooks of a remote were told to call a host name of the load balancer, for which istiod has no certificate.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'two remotes'],
    edits: [
      injectorsCallUrl({ cluster: 'west', host: 'istiod.mesh.example.com' }),
      podsRefused({
        cluster: 'west',
        message:
          'Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": failed to call webhook: Post "https://istiod.mesh.example.com:15017/inject?timeout=10s": tls: failed to verify certificate: x509: certificate is valid for istiod.istio-system.svc, not istiod.mesh.example.com',
      }),
    ],
  },
  {
    id: 'proxies-ask-name-of-load-balancer',
    mode: 'CPX-07',
    says: 'Sidecars of a remote were injected with a custom discovery address that istiod was not told to have a certificate for.',
    meshes: ['primary-remote', 'primary-remote on one network', 'primary-remote 1.24 with a revision'],
    edits: [proxiesAsk({ cluster: 'west', host: 'discovery.mesh.example.com', only: 'sidecars' }), sidecarsUnready({ cluster: 'west' })],
  },
  {
    id: 'second-route-for-every-name',
    mode: 'CPX-08',
    says: 'A second revision was exposed by a copy of the sample that takes every name, like the route that was there before.',
    meshes: ['primary-remote', 'primary-remote on one network', 'two remotes', 'primary-remote 1.24'],
    edits: [istiodRouteFor({ cluster: 'east', name: 'istiod-vs-canary', service: 'istiod-canary', sniHosts: ['*'], minutesAgo: 20 })],
  },
  {
    id: 'route-of-before-takes-every-name',
    mode: 'CPX-08',
    says: 'A forgotten route of an earlier control plane still takes every name, and is older than the one that is needed.',
    meshes: ['primary-remote', 'two remotes'],
    edits: [istiodRouteFor({ cluster: 'east', name: 'istiod-vs-old', service: 'istiod-1-20-0', sniHosts: ['*'], minutesAgo: 9000 })],
  },
  {
    id: 'route-shares-a-name-with-canary',
    mode: 'CPX-08',
    says: 'A hand-made route of the old revision lists the name of the canary as well, so that the route of the canary is left out.',
    meshes: ['an upgrade in flight'],
    edits: [
      istiodRouteFor({
        cluster: 'east',
        name: 'istiod-both',
        service: 'istiod-1-24-6',
        sniHosts: ['istiod.istio-system.svc', 'istiod-1-31-0.istio-system.svc'],
        minutesAgo: 9000,
      }),
    ],
  },
];
