package example

import _ "embed"

//go:embed README.md
var readme string
