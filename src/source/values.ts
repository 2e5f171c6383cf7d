import { readFile } from 'node:fs/promises';
import { SourceError } from '../base/errors.ts';
import { readYaml } from '../collect/yaml.ts';
import { type Chart, chartObjects, chartOf, type Declared, type Release } from '../installer/index.ts';
import { optionalFields, scalarText, tally } from '../model/decode.ts';
import { reasonOf } from './files.ts';

/** A file of values for one of Istio's charts. */
export interface ChartValues {
  /** As the user can open it. */
  readonly file: string;
  /** Told by what is in it where it is not said. */
  readonly chart?: Chart | undefined;
  /** Under which name the chart is installed where: what a gateway is called by. */
  readonly release?: Release | undefined;
}

/** What a chart would make of a file of values. Values under the name of a chart are those of an umbrella chart. */
export async function readChartValues({
  file,
  chart,
  release,
}: ChartValues): Promise<{ readonly declared: readonly Declared[]; readonly text: string }> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new SourceError('ERR_SOURCE_UNREADABLE', `${file} cannot be read: ${reasonOf(error)}.`, { cause: error });
  });
  const read = readYaml(text);
  if ('invalid' in read) throw new SourceError('ERR_SOURCE_UNREADABLE', `${file} cannot be read: ${read.invalid}.`);
  const values = optionalFields(tally(), read.value ?? {});
  if (values === undefined) throw new SourceError('ERR_SOURCE_UNREADABLE', `${file} holds no values of a chart: they are keys and values.`);
  const inside = (['istiod', 'gateway', 'base'] as const).filter((name) => optionalFields(tally(), values[name]) !== undefined);
  if (chart === undefined && inside.length > 0) {
    const declared = inside.flatMap((name) =>
      chartObjects(name, values, releaseOf(name, file, optionalFields(tally(), values[name]), release), [name]),
    );
    return { declared, text };
  }
  const own = chart ?? chartOf(values);
  if (own === undefined) {
    throw new SourceError('ERR_SOURCE_UNREADABLE', `${file} does not tell for which of Istio's charts it is: istiod, gateway or base.`, {
      hint: `Name the chart: --values NAME=istiod:${file}`,
    });
  }
  return { declared: chartObjects(own, values, releaseOf(own, file, values, release)), text };
}

/** A gateway is called by its release: without a name and a namespace it is nobody's. */
function releaseOf(
  chart: Chart,
  file: string,
  values: Readonly<Record<string, unknown>> | undefined,
  release: Release | undefined,
): Release | undefined {
  if (chart !== 'gateway' || release !== undefined) return release;
  const name = scalarText(tally(), values?.['name']);
  const namespace = scalarText(tally(), values?.['namespace']);
  if (name !== undefined && namespace !== undefined) return { name, namespace };
  throw new SourceError('ERR_SOURCE_UNREADABLE', `${file} holds values of a gateway, but not under which name it is installed where.`, {
    hint: `Say it: --values NAME=gateway:istio-system/istio-eastwestgateway:${file}`,
  });
}
