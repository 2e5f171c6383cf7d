import { fields, type Fields, objects, tally, text } from '../model/decode.ts';
import type { Node } from '../model/facts.ts';

/** Where something runs, by the labels of its node; empty where they do not say. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subzone: string;
}

export function localityOf({ labels }: Pick<Node, 'labels'>): Locality | undefined {
  const region = labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'];
  if (region === undefined || region === '') return undefined;
  return {
    region,
    zone: labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? '',
    subzone: labels['topology.istio.io/subzone'] ?? '',
  };
}

/** Whether a rule such as `region/zone/*` is about a locality (pilot/pkg/networking/util: LocalityMatch). */
export function isMeant(rule: string, { region, zone, subzone }: Locality): boolean {
  const [ofRegion = '', ofZone = '', ofSubzone = ''] = rule.split('/');
  const fits = (wanted: string, own: string): boolean => wanted === '*' || wanted === '' || wanted === own;
  return (ofRegion === '*' || ofRegion === region) && fits(ofZone, zone) && fits(ofSubzone, subzone);
}

/** Where calls from one locality are to go: to these and, by weight, to no others. */
export interface Distribution {
  readonly from: string;
  readonly to: readonly string[];
}

/** `distribute` of settings that are not turned off; the first entry that is about a caller's locality counts for it. */
export function distributionsOf(setting: Fields | undefined): readonly Distribution[] {
  if (setting === undefined || setting['enabled'] === false) return [];
  const odd = tally();
  return objects(odd, setting['distribute']).map((entry) => ({
    from: text(odd, entry['from']) ?? '',
    to: Object.entries(fields(odd, entry['to'])).flatMap(([locality, weight]) => (Number(weight) > 0 ? [locality] : [])),
  }));
}
