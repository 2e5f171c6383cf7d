import { type ClusterName, type ControlPlane, defineCheck, list } from 'meshdoctor/api';

/** Where the add-on of AKS puts its istiod. */
const addOnNamespace = 'aks-istio-system';

export default defineCheck({
  id: 'limited-add-on',
  title: 'Control planes of a mesh of several clusters are not managed by an add-on for one',
  severity: 'info',
  certainty: 'possible',
  scope: 'mesh',
  needs: ['controlPlanes'],
  partial: true,
  catalogue: ['CLD-09'],
  docs: {
    why: 'The Istio add-on of AKS installs and upgrades istiod of one cluster. It offers no supported way to set what several clusters need: names of cluster and network, the east-west gateway, who leads whom. What was set by hand is lost with its next upgrade.',
    confirm: 'kubectl --context CLUSTER get deployments -n aks-istio-system; az aks show --query serviceMeshProfile -g GROUP -n CLUSTER',
    fix: 'Run Istio yourself in the clusters of this mesh, or ask the provider whether the release in use supports it.',
    notWhen: 'What the provider supports changes: its documentation is right, not this.',
    see: ['https://github.com/Azure/AKS/issues/3266', 'https://github.com/Azure/AKS/issues/4646'],
  },
  messages: {
    managed: (a: { controlPlane: ControlPlane; others: readonly ClusterName[] }) => ({
      text: `Deployment ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} belongs to the Istio add-on of AKS, which does not manage a mesh with ${list(a.others)}.`,
      expected: 'an installation that is set up for several clusters',
      found: `revision ${a.controlPlane.revision} of the add-on`,
      effect: 'settings for several clusters may be lost when the add-on is upgraded',
    }),
  },
  *run({ clusters, mesh, finding }) {
    const members = [...mesh.members.keys()];
    if (members.length < 2) return;
    for (const { name, controlPlanes } of clusters) {
      for (const controlPlane of controlPlanes) {
        if (controlPlane.namespace !== addOnNamespace) continue;
        yield finding(
          'managed',
          { controlPlane, others: members.filter((member) => member !== name) },
          { at: controlPlane.ref, evidence: [{ ref: controlPlane.ref, observed: `namespace ${addOnNamespace}` }], concerns: [name] },
        );
      }
    }
  },
});
