import { describe, expect, test } from 'vitest';
import { shellWord } from '../base/text.ts';
import { contextsOf, filesOf, type Pipe, pipesOf } from './command-line.ts';

function pipes(line: string): readonly Pipe[] {
  const found = pipesOf(line);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

describe('a printed command line', () => {
  test('is programs that pass on what they write, one after the other, into files', () => {
    const line =
      'samples/multicluster/gen-eastwest-gateway.sh --network n1 > eastwest-gateway.yaml && istioctl install --context c1 -y -f eastwest-gateway.yaml';
    expect(pipes(line)).toEqual([
      { programs: [['samples/multicluster/gen-eastwest-gateway.sh', '--network', 'n1']], into: 'eastwest-gateway.yaml' },
      { programs: [['istioctl', 'install', '--context', 'c1', '-y', '-f', 'eastwest-gateway.yaml']] },
    ]);
    expect(filesOf(pipes(line))).toEqual(['samples/multicluster/gen-eastwest-gateway.sh']);
    expect(contextsOf(pipes(line))).toEqual(['c1']);
    const secret = 'istioctl create-remote-secret --context=c2 --name=c2 -i istio-system | kubectl --context c1 -n istio-system apply -f -';
    expect(pipes(secret).map(({ programs }) => programs.map(([program]) => program))).toEqual([['istioctl', 'kubectl']]);
    expect(contextsOf(pipes(secret))).toEqual(['c2', 'c1']);
    expect(filesOf(pipes(secret))).toEqual([]);
    expect(filesOf(pipes('istioctl install --context c1 -f REMOTE.yaml'))).toEqual(['REMOTE.yaml']);
    expect(filesOf(pipes('kubectl create secret generic a --from-file=ca-key.pem --from-file=x=root.pem'))).toEqual([
      'ca-key.pem',
      'root.pem',
    ]);
  });

  test.each([
    "it's",
    '$(reboot)',
    '`reboot`',
    'a b',
    '"',
    "'",
    '{"a":"b\'c"}',
    '; reboot',
    '| reboot',
    '&& reboot',
    '> file',
    '*',
    '\\',
    '\n',
  ])('keeps %j one word, as a shell would', (text) => {
    expect(pipes(`kubectl --context ${shellWord(text)} get pods`)).toEqual([{ programs: [['kubectl', '--context', text, 'get', 'pods']] }]);
  });

  test.each([
    ['rm -rf /', 'nobody vouches for rm'],
    ['samples/../../evil.sh', 'nobody vouches for samples/../../evil.sh'],
    ['/bin/kubectl get pods', 'nobody vouches for /bin/kubectl'],
    ['kubectl get pods; reboot', 'it needs a shell'],
    ['kubectl get $(reboot)', 'it needs a shell'],
    ['kubectl get "$(reboot)"', 'it needs a shell'],
    ['kubectl get `reboot`', 'it needs a shell'],
    ['kubectl get $HOME', 'it needs a shell'],
    ['kubectl get *', 'it needs a shell'],
    ['kubectl get pods & reboot', 'it needs a shell'],
    ['kubectl get pods || reboot', 'it needs a shell'],
    ['kubectl get pods >> file', 'it needs a shell'],
    ['kubectl get pods < file', 'it needs a shell'],
    ['kubectl get pods > one two', 'it writes more than one file'],
    ["kubectl get 'pods", 'it needs a shell'],
    ['kubectl get pods |', 'it needs a shell'],
    ['A=b kubectl get pods', 'nobody vouches for A=b'],
    ['', 'it needs a shell'],
  ])('%j is none that may be run', (line, because) => {
    expect(pipesOf(line)).toBe(because);
  });
});
