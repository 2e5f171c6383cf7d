import {
  type ClusterName,
  type ControlPlane,
  defineCheck,
  hosts,
  list,
  remedy,
  type Remedy,
  shellWord,
  type Validator,
  valueOf,
  type WebhookEntry,
} from 'meshdoctor/api';
import { rootsOf, wrongBundle } from '../_area.ts';

export default defineCheck({
  id: 'stale-validator-ca-bundle',
  title: 'Validating webhooks that must be asked trust the control plane that serves them',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'rootConfigMaps'], member: ['rootConfigMaps'] },
  // Recordings of before do not hold them, which is no reason to call a run incomplete.
  uses: { primary: [], member: ['validators'] },
  catalogue: ['INJ-08'],
  docs: {
    why: "istiod completes the validating webhooks of its own cluster only. In a remote the caBundle stays as it was installed: empty, or from a CA of before. As long as the webhook may be ignored nobody notices. With failurePolicy Fail the API server refuses every resource of Istio: x509, certificate signed by unknown authority. Pods are injected all the same, for that is the injector's webhook.",
    confirm:
      "kubectl get validatingwebhookconfigurations -o custom-columns='NAME:.metadata.name,POLICY:.webhooks[*].failurePolicy' | grep -i istio; kubectl get validatingwebhookconfiguration NAME -o jsonpath='{.webhooks[0].clientConfig.caBundle}' | cut -c1-80",
    fix: 'Copy the root of the primary into caBundle, or set failurePolicy to Ignore: a remote needs no validation, its istiod reads the configuration of the primary.',
    notWhen:
      'With failurePolicy Ignore an empty or old caBundle is what an installer leaves in a remote. A webhook that calls a url may rely on a public certificate.',
    see: ['https://github.com/kiali/kiali/issues/9654', 'https://github.com/istio/istio/issues/37070'],
  },
  messages: {
    wrong: (a: Wrong) => ({
      text: `Webhook ${a.validator.name} of ${a.validator.ref.cluster} has ${a.held} and must not be ignored, so no Istio resource can be applied there.`,
      expected: `the root of istiod of ${a.from}, or failurePolicy Ignore`,
      found: `${a.held}, failurePolicy Fail`,
      effect: 'create and update of Gateways, VirtualServices and all others of Istio are refused: x509',
      // istiod repairs its own within seconds: something keeps overwriting it.
      ...(a.isOwn ? { certainty: 'likely' as const } : {}),
      remedy: fixes(a),
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (couple.kind === 'peer' || (couple.kind === 'remote' && valueOf(couple.serves) !== true)) return;
    if (member.validators.status === 'not-asked') return;
    if (member.validators.status !== 'collected') {
      yield undecided('validating webhooks could not be read', { missing: [{ cluster: member.name, fact: 'validators' }] });
      return;
    }
    const validators = member.validators.value.filter((validator) => asked(validator, controlPlane).length > 0);
    if (validators.length === 0) return;
    const isOwn = couple.kind === 'self';
    const maps = isOwn || valueOf(mesh.kind) === 'external' ? member.rootConfigMaps : primary.rootConfigMaps;
    const roots = rootsOf(maps, controlPlane.namespace);
    const provider = controlPlane.env['PILOT_CERT_PROVIDER'] ?? '';
    const isOther = provider !== '' && provider !== 'istiod';
    const wrong = validators.flatMap((validator) => {
      const held = wrongBundle({ webhooks: asked(validator, controlPlane) }, roots);
      return held === undefined ? [] : [{ validator, held }];
    });
    const [first, ...more] = wrong;
    if (first === undefined) return;
    if (roots.length === 0 || isOther) {
      yield undecided('the root of the certificate of istiod is not known', {
        missing: isOther ? [] : [{ cluster: maps === member.rootConfigMaps ? member.name : primary.name, fact: 'rootConfigMaps' }],
      });
      return;
    }
    yield finding(
      'wrong',
      { ...first, from: primary.name, isOwn, namespace: controlPlane.namespace },
      {
        at: first.validator.ref,
        field: '.webhooks[*].clientConfig.caBundle',
        related: [...more.map(({ validator }) => validator.ref), controlPlane.ref],
        evidence: wrong.map(({ validator, held }) => ({
          ref: validator.ref,
          field: '.webhooks[*].clientConfig.caBundle',
          observed: held,
          expected: `the root ${list(roots.map(({ subject }) => subject.replaceAll('\n', ', ')))}`,
        })),
        subject: controlPlane.revision,
      },
    );
  },
});

interface Wrong {
  readonly validator: Validator;
  readonly held: string;
  readonly from: ClusterName;
  readonly isOwn: boolean;
  /** Of istiod. */
  readonly namespace: string;
}

/** Entries that must be asked, and that ask this istiod by its Service. */
function asked({ webhooks }: Validator, { revision, namespace }: ControlPlane): WebhookEntry[] {
  return webhooks.filter(
    ({ failurePolicy, target }) =>
      failurePolicy === 'Fail' &&
      target.service?.namespace === namespace &&
      hosts.revisionOfIstiodService(target.service.name) === revision,
  );
}

function fixes({ validator, from, namespace }: Wrong): Remedy[] {
  const { cluster } = validator.ref;
  const root = `$(kubectl --context ${shellWord(from)} -n ${shellWord(namespace)} get configmap istio-ca-root-cert -o jsonpath='{.data.root-cert\\.pem}' | base64 -w0)`;
  const patch = (what: (index: number) => string): string =>
    `kubectl --context ${shellWord(cluster)} patch validatingwebhookconfiguration ${shellWord(validator.name)} --type=json -p '[${validator.webhooks.map((_, index) => what(index)).join(',')}]'`;
  return [
    remedy.command(cluster, [patch((index) => `{"op":"add","path":"/webhooks/${index}/clientConfig/caBundle","value":"'"${root}"'"}`)], {
      ref: validator.ref,
      note: 'has to be done again when the root changes',
    }),
    remedy.command(cluster, [patch((index) => `{"op":"replace","path":"/webhooks/${index}/failurePolicy","value":"Ignore"}`)], {
      ref: validator.ref,
      note: 'what the installer leaves in a remote',
    }),
  ];
}
