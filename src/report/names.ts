import { nameCells, probedNames } from '../api/index.ts';
import type { Judgement } from '../engine/types.ts';
import type { ReportName } from './schema.ts';

/**
 * Names in the eyes of their callers, mesh by mesh: those of `--service`; without any, those that probes asked for. Nothing where
 * nobody named a service and nobody was asked.
 */
export function namesOf({ snapshot, facts, topology }: Judgement, services: readonly probedNames.NamedService[]): ReportName[] {
  const wasAsked = snapshot.observations.some(
    ({ nameAnswers, istiods }) => nameAnswers?.status === 'observed' || istiods?.status === 'observed',
  );
  if (services.length === 0 && !wasAsked) return [];
  return probedNames.namesToProbe(facts, topology, services).flatMap((name): ReportName[] => {
    const mesh = topology.meshes.find((one) => probedNames.dataPlaneClusters(one).join('\n') === name.members.join('\n'));
    if (mesh === undefined) return [];
    return [
      {
        service: `${name.namespace}/${name.name}`,
        ...(name.port === undefined ? {} : { port: name.port }),
        named: name.named,
        callers: nameCells.nameCells(name, mesh, facts).map((cell) => ({ ...cell })),
      },
    ];
  });
}
