// The least that reading the same lists takes: pages of 500, JSON.parse, discard. Arguments: kubeconfig, and a file with the paths per context.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Agent } from 'undici';
import { parse } from 'yaml';

const [kubeconfigFile = '', pathsFile = ''] = process.argv.slice(2);
const kubeconfig = parse(readFileSync(kubeconfigFile, 'utf8'));
const paths = JSON.parse(readFileSync(pathsFile, 'utf8'));

await Promise.all(
  Object.entries(paths).map(async ([name, requests]) => {
    const context = kubeconfig.contexts.find((one) => one.name === name).context;
    const cluster = kubeconfig.clusters.find((one) => one.name === context.cluster).cluster;
    const user = kubeconfig.users.find((one) => one.name === context.user).user;
    const agent = new Agent({ connections: 4, connect: { ca: Buffer.from(cluster['certificate-authority-data'], 'base64') } });
    const read = async ({ path, accept }, token = '') => {
      const separator = path.includes('?') ? '&' : '?';
      const { body, headers, statusCode } = await agent.request({
        origin: cluster.server,
        path: `${path}${separator}limit=500${token === '' ? '' : `&continue=${encodeURIComponent(token)}`}`,
        method: 'GET',
        headers: { accept, authorization: `Bearer ${user.token}`, 'accept-encoding': 'gzip' },
      });
      const bytes = Buffer.from(await body.arrayBuffer());
      if (statusCode !== 200) return;
      const page = JSON.parse((headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8'));
      if (page.metadata?.continue) await read({ path, accept }, page.metadata.continue);
    };
    await Promise.all(requests.map((request) => read(request)));
    await agent.close();
  }),
);
