import { describe, expect, test } from 'vitest';
import { spotsOf, stepsOf } from './spots.ts';

const yaml = `# remark
---
apiVersion: v1
kind: Namespace
metadata:
  name: a
  labels:
    topology.istio.io/network: net-1 # why
---
apiVersion: v1
kind: List
items:
- kind: Service
  metadata: { name: b }
  spec:
    ports:
    - name: tls
      port: 15443
    - name: status
      port: 15021
- kind: Deployment
  metadata:
    name: c
  spec:
    template:
      spec:
        containers:
        - name: other
        - name: discovery
          env:
          - name: REVISION
            value: "1-31"
          - name: CLUSTER_ID
            value: east
- kind: ConfigMap
  metadata:
    name: d
  data:
    mesh: |
      trustDomain: x
`;

/** The stretch of the text that a spot covers. */
function shown(text: string, { line, column, endLine, endColumn }: ReturnType<ReturnType<typeof spotsOf>['inDocument']>): string {
  expect(endLine).toBe(line);
  return `${line}: ${(text.split('\n')[line - 1] ?? '').slice(column - 1, endColumn - 1)}`;
}

const at = (line: number, kind: string, name: string, field: string, found?: string): string =>
  shown(yaml, spotsOf('a.yaml', yaml).ofField({ line, kind, name }, stepsOf(field), found));

describe('in YAML', () => {
  test.each([
    [3, 'Namespace', 'a', '.metadata.labels["topology.istio.io/network"]', '8: topology.istio.io/network: net-1'],
    [3, 'Namespace', 'a', '.metadata.labels["istio.io/rev"]', '7: labels'],
    [3, 'Namespace', 'a', '.metadata.annotations["x"]', '5: metadata'],
    [3, 'Namespace', 'a', '', '3: apiVersion: v1'],
    [3, 'Namespace', 'a', '.trustDomain', '3: apiVersion: v1'],
    [13, 'Service', 'b', '.spec.ports[1].port', '20: port: 15021'],
    [21, 'Deployment', 'c', '.spec.template.spec.containers[*].env["CLUSTER_ID"]', '33: name: CLUSTER_ID'],
    [21, 'Deployment', 'c', '.spec.template.spec.containers[?(@.name=="discovery")].env', '30: env'],
    [35, 'ConfigMap', 'd', '.data.mesh', '39: mesh'],
    [35, 'ConfigMap', 'another', '.data.mesh', '35: - kind: ConfigMap'],
  ])('line %i, %s %s: %s', (line, kind, name, field, expected) => {
    expect(at(line, kind, name, field)).toBe(expected);
  });

  test('of several elements the one whose value was found', () => {
    expect(at(13, 'Service', 'b', '.spec.ports[*].name')).toBe('17: name: tls');
    expect(at(13, 'Service', 'b', '.spec.ports[*].name', 'status')).toBe('19: name: status');
    expect(at(13, 'Service', 'b', '.spec.ports[*].name', 'port status of two')).toBe('19: name: status');
  });
});

describe('in JSON', () => {
  const object = (name: string): object => ({
    kind: 'Service',
    metadata: { name, labels: { 'a/b': '{"x": "}"}' } },
    spec: { type: 'NodePort' },
  });
  const list = { apiVersion: 'v1', kind: 'List', items: [object('a'), object('b')] };

  test('of a list, only the object asked about is read', () => {
    const text = JSON.stringify(list, undefined, 2);
    const line = text.split('\n').findIndex((content, n) => content.trim() === '{' && n > 10) + 1;
    const { ofField } = spotsOf('a.json', text);
    expect(shown(text, ofField({ line, kind: 'Service', name: 'b' }, stepsOf('.spec.type')))).toMatch(/^\d+: "type": "NodePort"$/);
    expect(shown(text, ofField({ line, kind: 'Service', name: 'b' }, stepsOf('.metadata.labels["a/b"]')))).toContain('"a/b": "{');
    expect(shown(text, ofField({ line, kind: 'Service', name: 'other' }, stepsOf('.spec.type')))).toBe(`${line}: {`);
  });

  test('on one line, objects are told apart by their names', () => {
    const text = JSON.stringify(list);
    const { column } = spotsOf('a.json', text).ofField({ line: 1, kind: 'Service', name: 'b' }, stepsOf('.spec.type'));
    expect(text.slice(column - 1)).toBe('"type":"NodePort"}}]}');
  });
});

test('what is no text of that many lines has its line all the same', () => {
  expect(spotsOf('a.json', '[').ofField({ line: 7, kind: 'Pod', name: 'x' }, stepsOf('.spec'))).toMatchObject({ line: 7, endLine: 7 });
  expect(spotsOf('a.yaml', 'a: [').ofField({ line: 1, kind: 'Pod', name: 'x' }, stepsOf('.spec'))).toMatchObject({ line: 1, column: 1 });
});
