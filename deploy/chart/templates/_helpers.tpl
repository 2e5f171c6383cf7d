{{- define "meshdoctor.name" -}}
{{- if contains "meshdoctor" .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-meshdoctor" .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "meshdoctor.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "meshdoctor.name" .) }}
{{- end -}}

{{- define "meshdoctor.labels" -}}
app.kubernetes.io/name: meshdoctor
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "meshdoctor.image" -}}
{{- $repository := required "image.repository is needed: the image that deploy/Dockerfile builds, in a registry of yours" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "meshdoctor.claim" -}}
{{ .Values.persistence.existingClaim | default (include "meshdoctor.name" .) }}
{{- end -}}

{{- define "meshdoctor.askArgs" -}}
- --probe={{ .Values.probe }}
- --timeout={{ .Values.timeout }}
{{- if .Values.config }}
- --config=/etc/meshdoctor/meshdoctor.config.yaml
{{- end }}
{{- end -}}

{{- define "meshdoctor.clusterArgs" -}}
{{- with .Values.clusters -}}
{{- if .own }}
- --in-cluster
{{- else if not .kubeconfig.secret }}
{{- fail "clusters.own is false, so clusters.kubeconfig.secret must name the Secret whose clusters are to be read" }}
{{- end }}
{{- if .kubeconfig.secret }}
- --kubeconfig=/etc/meshdoctor/kubeconfig/config
{{- range .kubeconfig.contexts }}
- --context={{ . }}
{{- end }}
{{- if not (or .kubeconfig.contexts .own) }}
- --all-contexts
{{- end }}
{{- else if .kubeconfig.contexts }}
{{- fail "clusters.kubeconfig.contexts needs clusters.kubeconfig.secret" }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "meshdoctor.reportArgs" -}}
{{- range .Values.outputs }}
- --output={{ . }}
{{- end }}
{{- if .Values.persistence.enabled }}
- --history=/var/lib/meshdoctor/history
{{- end }}
{{- if .Values.notify.secret }}
{{- if not .Values.persistence.enabled }}
{{- fail "notify needs persistence.enabled: without a history nothing is known to have changed" }}
{{- end }}
- --notify-file=/etc/meshdoctor/notify/url
- --notify-format={{ .Values.notify.format }}
{{- if .Values.notify.required }}
- --notify-required
{{- end }}
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- /* Job spec around a list of arguments: (dict "root" $ "args" (list …) "kubeconfig" bool "notify" bool "indexed" bool). */ -}}
{{- define "meshdoctor.jobSpec" -}}
{{- $root := .root -}}
{{- with $root.Values -}}
{{- if $.indexed }}
# One cluster that cannot be read keeps nobody from the others.
backoffLimitPerIndex: 0
{{- else }}
backoffLimit: 0
{{- end }}
activeDeadlineSeconds: {{ .cronJob.activeDeadlineSeconds }}
# A finding is an exit code, and no reason to try again; a pod that its node lost is.
podFailurePolicy:
  rules:
    - action: Ignore
      onPodConditions:
        - type: DisruptionTarget
    - action: {{ if $.indexed }}FailIndex{{ else }}FailJob{{ end }}
      onExitCodes:
        operator: NotIn
        values: [0]
template:
  metadata:
    labels:
      {{- include "meshdoctor.labels" $root | nindent 6 }}
      sidecar.istio.io/inject: 'false'
      istio.io/dataplane-mode: none
      {{- with .podLabels }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- with .podAnnotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    serviceAccountName: {{ include "meshdoctor.serviceAccount" $root }}
    restartPolicy: Never
    enableServiceLinks: false
    {{- with .image.pullSecrets }}
    imagePullSecrets:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .priorityClassName }}
    priorityClassName: {{ . }}
    {{- end }}
    {{- with .nodeSelector }}
    nodeSelector:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .tolerations }}
    tolerations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .affinity }}
    affinity:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      runAsNonRoot: true
      runAsUser: 65532
      runAsGroup: 65532
      fsGroup: 65532
      fsGroupChangePolicy: OnRootMismatch
      seccompProfile:
        type: RuntimeDefault
    containers:
      - name: meshdoctor
        image: {{ include "meshdoctor.image" $root }}
        imagePullPolicy: {{ .image.pullPolicy }}
        args:
          {{- range $.args }}
          - {{ . | quote }}
          {{- end }}
        resources:
          {{- toYaml .resources | nindent 10 }}
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities:
            drop: [ALL]
        volumeMounts:
          - name: tmp
            mountPath: /tmp
          {{- if .persistence.enabled }}
          - name: state
            mountPath: /var/lib/meshdoctor
          {{- end }}
          {{- if .config }}
          - name: config
            mountPath: /etc/meshdoctor/meshdoctor.config.yaml
            subPath: meshdoctor.config.yaml
            readOnly: true
          {{- end }}
          {{- if and $.kubeconfig .clusters.kubeconfig.secret }}
          - name: kubeconfig
            mountPath: /etc/meshdoctor/kubeconfig
            readOnly: true
          {{- end }}
          {{- if and $.notify .notify.secret }}
          - name: notify
            mountPath: /etc/meshdoctor/notify
            readOnly: true
          {{- end }}
    volumes:
      - name: tmp
        emptyDir:
          sizeLimit: 64Mi
      {{- if .persistence.enabled }}
      - name: state
        persistentVolumeClaim:
          claimName: {{ include "meshdoctor.claim" $root }}
      {{- end }}
      {{- if .config }}
      - name: config
        configMap:
          name: {{ include "meshdoctor.name" $root }}
      {{- end }}
      {{- if and $.kubeconfig .clusters.kubeconfig.secret }}
      - name: kubeconfig
        secret:
          secretName: {{ .clusters.kubeconfig.secret }}
          items:
            - key: {{ .clusters.kubeconfig.key }}
              path: config
      {{- end }}
      {{- if and $.notify .notify.secret }}
      - name: notify
        secret:
          secretName: {{ .notify.secret }}
          items:
            - key: {{ .notify.key }}
              path: url
      {{- end }}
{{- end -}}
{{- end -}}

{{- define "meshdoctor.schedule" -}}
{{- with .root.Values.cronJob -}}
schedule: {{ $.schedule | quote }}
timeZone: {{ .timeZone | quote }}
suspend: {{ .suspend }}
concurrencyPolicy: Forbid
startingDeadlineSeconds: 300
successfulJobsHistoryLimit: {{ .successfulJobsHistoryLimit }}
failedJobsHistoryLimit: {{ .failedJobsHistoryLimit }}
{{- end -}}
{{- end -}}
