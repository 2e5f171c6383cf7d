import { list } from '../../base/text.ts';
import { measuredAnswers, type MeasuredAnswer } from '../measured-names.ts';
import { type PredictedAnswer, predictedAnswer } from '../name-cells.ts';
import { dataPlaneClusters } from '../names.ts';
import { sidecarScope } from '../sidecar-scope.ts';
import { type Around, named, told } from './around.ts';
import {
  broken,
  brokenByAbsence,
  gapsIn,
  type Hop,
  hop,
  type HopEvidence,
  type Measurement,
  notApplicable,
  type Prediction,
  unknown,
  works,
} from './hop.ts';

const shown: Readonly<Record<MeasuredAnswer['by'], string>> = { sidecar: 'sidecar', 'cluster-dns': 'cluster DNS', istiod: 'istiod for' };

/** Whether the caller gets an address for the name, who should give it, and who was asked. */
export function nameHop(around: Around): Hop {
  const { target, caller, mesh, facts, kind, unread } = around;
  const { namespace, name, instances } = target;
  const own = instances.get(caller.cluster);
  const evidence: HopEvidence[] = [...instances.values()].map(({ ref, type, clusterIP }) => ({
    ref,
    field: '.spec.clusterIP',
    observed: clusterIP === '' ? type : clusterIP,
  }));
  const parts = { object: (own ?? [...instances.values()][0])?.ref, evidence };
  if (target.isAddress) return hop('name', notApplicable(`${target.asked} is an address already`), parts);
  if (instances.size === 0 && unread.length > 0)
    return hop('name', unknown(`no cluster that was read has a Service ${around.host}`), {
      measured: measuredOf(around, 'unknown'),
      missing: unread,
    });
  if (kind === 'plain' && own === undefined) {
    const holders = list([...instances.keys()]);
    const gaps = gapsIn(facts, [{ cluster: caller.cluster, fact: 'services' }]);
    return brokenByAbsence(
      'name',
      `${caller.cluster} has no such Service, only ${holders}, and without a sidecar nobody else answers`,
      gaps,
      {
        ...parts,
        measured: measuredOf(around, 'cluster-dns'),
      },
    );
  }
  const asked = { members: dataPlaneClusters(mesh), namespace, name, port: target.port, named: true };
  const answer = predictedAnswer(asked, caller.cluster, mesh, facts, caller.pod);
  const scope =
    around.world === undefined
      ? undefined
      : sidecarScope(around.world.applied, { namespace: caller.namespace, labels: caller.pod?.labels ?? {} });
  const isHidden = answer.by === 'sidecar' && scope?.imports({ host: around.host, namespace }, target.port) === false;
  if (isHidden && scope?.object !== undefined)
    return hop('name', broken(`${told(scope.object)} does not import ${around.host}, so that the sidecar does not know the name`), {
      ...parts,
      object: scope.object.ref,
      evidence: [...evidence, { ref: scope.object.ref, field: '.spec.egress', observed: 'leaves it out' }],
      measured: measuredOf(around, answer.by),
    });
  const predicted = predictedOf(answer, around);
  return hop('name', predicted, {
    ...parts,
    measured: measuredOf(around, answer.by),
    ...(predicted.verdict === 'unknown'
      ? {
          missing: gapsIn(
            facts,
            asked.members.map((cluster) => ({ cluster, fact: 'services' as const })),
          ),
        }
      : {}),
  });
}

function predictedOf(answer: PredictedAnswer, { host, caller }: Around): Prediction {
  const { by, addresses, because } = answer;
  if (by === 'unknown') return unknown(`${host}: ${because}`);
  if (by === 'nobody') return broken(`${host} has no address in ${caller.cluster}: ${because}`);
  const address = addresses.length === 0 ? 'its pods' : list(addresses, '', 3);
  return works(`${host} → ${address} (${because})`);
}

/** Answers of those whom the caller would ask; the DNS of the cluster counts where no sidecar answers. */
function measuredOf(around: Around, by: PredictedAnswer['by']): Measurement[] {
  const { target, caller, facts, kind } = around;
  const captures = kind === 'sidecar' ? caller.pod?.proxy?.dnsCapture === true : kind === 'unknown';
  const own = caller.pod === undefined ? undefined : named(caller.pod.ref, false);
  return measuredAnswers(target, caller.cluster, facts).flatMap((one): Measurement[] => {
    if (one.by === 'cluster-dns' ? captures || by === 'sidecar' : !captures) return [];
    const verdict = one.outcome === 'answered' ? 'works' : one.outcome === 'unanswered' ? 'broken' : 'unknown';
    // What istiod would tell is not yet what the sidecar says.
    const isDecisive = verdict !== 'unknown' && (one.by !== 'istiod' || (one.pod === own && verdict === 'broken'));
    return [{ by: `${shown[one.by]} ${one.pod}`, verdict, text: one.said, isDecisive }];
  });
}
