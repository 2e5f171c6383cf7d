import { sortedBy } from '../base/sort.ts';
import { type Fields, fields, filled, objects, optionalFields, type Tally, tally, text, time, whole } from '../model/decode.ts';
import type { HeldCertificate, HeldRoot, SidecarEndpoints } from '../model/observations.ts';
import { certificatesOf, distinguishedName, fingerprintOf } from './presented-chain.ts';

/*
 * Answers of Envoy's admin port, parsed JSON (envoy/admin/v3: config_dump.proto, certs.proto). Each function gives nothing for a value
 * of another form; what is odd inside is left out.
 */

/** `/config_dump?include_eds&resource=dynamic_endpoint_configs`: endpoints by the names of istiod's outbound clusters without subset. */
export function endpointsIn(value: unknown): SidecarEndpoints[] | undefined {
  const odd = tally();
  const dump = optionalFields(odd, value);
  if (dump === undefined) return undefined;
  const clusters = objects(odd, dump['configs']).flatMap((config): SidecarEndpoints[] => {
    const assignment = fields(odd, config['endpoint_config']);
    const [, port, host] = /^outbound\|(\d+)\|\|(.+)$/.exec(text(odd, assignment['cluster_name']) ?? '') ?? [];
    if (port === undefined || host === undefined) return [];
    const addresses = objects(odd, assignment['endpoints']).flatMap((locality) =>
      objects(odd, locality['lb_endpoints']).flatMap((one) => addressOf(odd, fields(odd, one['endpoint'])) ?? []),
    );
    return [{ host, port: Number(port), addresses: sortedBy(addresses, ({ address, port: at }) => `${address} ${at}`) }];
  });
  return sortedBy(clusters, ({ host, port }) => `${host} ${String(port).padStart(5, '0')}`);
}

/** `/certs`: the contexts of all listeners and clusters have the same few certificates. */
export function certificateIn(value: unknown): HeldCertificate | 'none' | undefined {
  const odd = tally();
  const answer = optionalFields(odd, value);
  if (answer === undefined) return undefined;
  const own = objects(odd, answer['certificates'])
    .flatMap((context) => objects(odd, context['cert_chain']))
    .flatMap((entry) => {
      const held = heldIn(odd, entry);
      return held === undefined || !held.uris.some((uri) => uri.startsWith('spiffe://')) ? [] : [held];
    });
  return sortedBy(own, ({ notAfter, serial }) => `${notAfter} ${serial}`).at(-1) ?? 'none';
}

/** `/config_dump?resource=dynamic_active_secrets` of the secret of roots alone. */
export function rootsIn(value: unknown): HeldRoot[] | undefined {
  const odd = tally();
  const dump = optionalFields(odd, value);
  if (dump === undefined) return undefined;
  const roots = objects(odd, dump['configs']).flatMap((config) => {
    const authority = fields(odd, fields(odd, fields(odd, config['secret'])['validation_context'])['trusted_ca']);
    const pem = text(odd, authority['inline_string']) ?? Buffer.from(text(odd, authority['inline_bytes']) ?? '', 'base64').toString('utf8');
    return certificatesOf(pem).map(
      (certificate): HeldRoot => ({
        fingerprint: fingerprintOf(certificate),
        subject: distinguishedName(certificate.subject),
        notBefore: rfc3339(certificate.validFrom),
        notAfter: rfc3339(certificate.validTo),
      }),
    );
  });
  return sortedBy(new Map(roots.map((root) => [root.fingerprint, root])).values(), ({ fingerprint }) => fingerprint);
}

/** `Nov 22 21:13:03 2026 GMT`, as a certificate has it. */
function rfc3339(moment: string): string {
  return new Date(moment).toISOString().replace('.000Z', 'Z');
}

function addressOf(odd: Tally, endpoint: Fields): SidecarEndpoints['addresses'][number] | undefined {
  const { socket_address: socket, pipe, envoy_internal_address: internal } = fields(odd, endpoint['address']);
  const at = optionalFields(odd, socket);
  if (at !== undefined) {
    const address = filled(odd, at['address']);
    return address === undefined ? undefined : { address, port: whole(odd, at['port_value']) ?? 0 };
  }
  // Told apart from an address of the network, so that nobody compares it with one.
  const inside = filled(odd, fields(odd, internal)['server_listener_name']) ?? filled(odd, fields(odd, pipe)['path']);
  return inside === undefined ? undefined : { address: `envoy://${inside}`, port: 0 };
}

function heldIn(odd: Tally, entry: Fields): HeldCertificate | undefined {
  const serial = filled(odd, entry['serial_number']);
  const notBefore = time(odd, entry['valid_from']);
  const notAfter = time(odd, entry['expiration_time']);
  if (serial === undefined || notBefore === undefined || notAfter === undefined) return undefined;
  const uris = objects(odd, entry['subject_alt_names']).flatMap((name) => filled(odd, name['uri']) ?? []);
  return { serial: serial.toLowerCase(), uris, notBefore, notAfter };
}
