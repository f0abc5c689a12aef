{{- /* Generated from operator/rbac.ts by npm run generate. Do not edit. */ -}}
{{- define "holdfast.namespaceRules" -}}
# the specs, which are never written; get: is a group still as it was decided on
- apiGroups: [holdfast.dev]
  resources: [gatewaygroups]
  verbs: [get, list, watch]
# the specs, which are never written
- apiGroups: [holdfast.dev]
  resources: [fallbackstorages]
  verbs: [list, watch]
# status, guarded by resourceVersion
- apiGroups: [holdfast.dev]
  resources: [gatewaygroups/status, fallbackstorages/status]
  verbs: [update]
# traffic and backup pods; pause, restored template
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# replicas, by PUT with resourceVersion
- apiGroups: [apps]
  resources: [deployments/scale]
  verbs: [update]
# which template runs, which ConfigMaps are in use
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list, watch]
# start choices; live floor; rehearsal, canary and witness pods; dry-run; deletion cost; pods that cannot start
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, patch, delete]
# configurations, the published mode; get also reads a storage's CA bundle
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch, delete]
# one Service
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
# one identity per role
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get, list, watch, create, patch]
# closes backup and rehearsal pods
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch]
# the budget of the traffic pods
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
# whose selector takes pods of a group; of Services, budgets and Deployments, too
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [list, watch]
# which one scales a Deployment of a group
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch]
# this namespace alone: its uid tells this cluster from another one that uses the same store
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
# those that specs name, by name alone: never listed
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
# what was done and why
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}
{{- define "holdfast.leaseRules" -}}
# the first start
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
# leadership: taken, renewed, released
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [holdfast]
  verbs: [get, patch]
{{- end -}}
