{{ define "h" }}<{{ . }}>{{ end }}{{ define "loop" }}{{ include "loop" . }}{{ end }}{{ define "bad" }}{{ .a.b.c }}{{ end }}
