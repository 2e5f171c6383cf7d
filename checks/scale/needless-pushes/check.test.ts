import { checkTester, lockInEndpoints, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west, { networks: 2 }).namespace('data');
const database = { cluster: west, namespace: 'data', name: 'postgres' };

checkTester(check, {
  healthy: {
    'a remote': remote,
    'a lock behind a cluster IP': remote.edit(lockInEndpoints({ ...database, headless: false })),
    'a lock that was given up': remote.edit(lockInEndpoints({ ...database, secondsAgo: 4000 })),
    'a lock of something that only speaks HTTP': remote.edit(lockInEndpoints({ ...database, port: 'http-api' })),
  },
  broken: {
    'a database that elects its leader by endpoints of a headless Service': {
      mesh: remote.edit(lockInEndpoints(database)),
      findings: ['needless-pushes @ west:EndpointSlice/data/postgres-x7k2p (info possible)'],
    },
  },
});
