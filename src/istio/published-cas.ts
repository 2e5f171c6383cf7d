/** A CA whose private key lies in the repository of Istio, for everybody to sign with. */
export interface PublishedCa {
  /** Where it lies. */
  readonly file: string;
  /** First and last year in which releases carried it; no `until` = they still do. */
  readonly from: string;
  readonly until?: string;
}

/**
 * Certificates of samples/certs of istio/istio by the hex SHA-256 of their DER bytes, in every version that a release carried, up to
 * August 2026. The keys of the intermediates are beside them.
 */
export const publishedCas: ReadonlyMap<string, PublishedCa> = new Map([
  ['63727a1785cab47acec5c24cc0669c20824e8ae1ac28079a4d2f8c830592e7b0', { file: 'samples/certs/root-cert.pem', from: '2018' }],
  ['f867174e4a31f1792f8c0354a23f8f049bd4019729cd2ee579d67033065b2dc2', { file: 'samples/certs/ca-cert.pem', from: '2018' }],
  ['11c9202c6be8ea5fcfb46d8591a8cf83b20eb97ade97234840851af8763ae428', { file: 'samples/certs/root-cert-alt.pem', from: '2023' }],
  ['40ff5d9dcaa80833bb7291ef1f89acd9f4da11d6c6006b78897d3f9e2cff86b5', { file: 'samples/certs/ca-cert-alt.pem', from: '2023' }],
  ['677fbf661531ab421e73bfe7b2ebdb7ec5509174e3dfcd39d24b852e2d46d46c', { file: 'samples/certs/ca-cert-alt-2.pem', from: '2023' }],
  [
    'e5cc551e468fd647ece496722755bf7a729adb6205b114cbd06b918ce2b4bb57',
    { file: 'samples/certs/root-cert-alt.pem', from: '2023', until: '2023' },
  ],
  [
    '6a1247642e6e17b88135d82b2d490b991db1cc3fffb11575f6dba03b361b6eef',
    { file: 'samples/certs/ca-cert-alt.pem', from: '2023', until: '2023' },
  ],
  [
    '1313a3551fa1e93c912355c74152bb0c2c406f4f8bd437f343a144f468837a47',
    { file: 'samples/certs/root-cert-alt.pem', from: '2021', until: '2023' },
  ],
  [
    '6c848fbf145a7862286a4deca23b31ba4e5edf5b076132d2ccd45ac1dfe9d760',
    { file: 'samples/certs/ca-cert-alt.pem', from: '2021', until: '2023' },
  ],
]);
