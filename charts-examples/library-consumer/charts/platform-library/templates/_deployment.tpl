{{/*
platform.deployment: a Deployment for one container.
Takes a dict: root (the chart's context), overrides (merged over the spec).
*/}}
{{- define "platform.deployment" -}}
{{- $root := .root -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "platform.name" $root }}
  labels: {{- include "platform.labels" $root | nindent 4 }}
{{- $container := dict "name" $root.Chart.Name "image" $root.Values.image "securityContext" $root.Values.securityContext }}
{{- $spec := dict "replicas" (int $root.Values.replicas) "selector" (dict "matchLabels" (include "platform.labels" $root | fromYaml)) "template" (dict "metadata" (dict "labels" (include "platform.labels" $root | fromYaml)) "spec" (dict "containers" (list $container))) }}
spec: {{- mergeOverwrite $spec (default dict .overrides) | toYaml | nindent 2 }}
{{- end -}}
