{{/* platform.name: RELEASE-CHART, cut to what a DNS label allows. */}}
{{- define "platform.name" -}}
{{- printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "platform.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- with .Values.team }}
example.com/team: {{ . | lower | quote }}
{{- end }}
{{- end -}}
