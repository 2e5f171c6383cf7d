import { checkTester, istiodNamespaceRenamed, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const peers = mesh().multiPrimary('east', 'west', { revisions: ['asm-1-27', 'asm-1-27'] });

checkTester(check, {
  healthy: {
    'installations of their own': peers,
    'a primary and a remote': mesh().primaryRemote('east', 'west'),
  },
  broken: {
    'two clusters with the add-on of AKS': {
      mesh: peers.edit(istiodNamespaceRenamed({ namespace: 'aks-istio-system' })),
      findings: [
        'limited-add-on @ east:Deployment/aks-istio-system/istiod-asm-1-27 (info possible)',
        'limited-add-on @ west:Deployment/aks-istio-system/istiod-asm-1-27 (info possible)',
      ],
    },
  },
});
