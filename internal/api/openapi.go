package api

import (
	"bytes"
	"context"
	_ "embed" // for the description
)

// description is the OpenAPI description of everything that Baton serves.
// TestDescription writes it, from the table of routes, the types of their
// parameters and entities, and the comments of all three.
//
//go:generate go test -run=^TestDescription$ . -update
//go:embed openapi.yaml
var description []byte

// describedURL is where the server is in that file.
const describedURL = "https://baton.example.com"

// getDescription describes everything that is served here, in OpenAPI 3.1.
func (s *Server) getDescription(context.Context, *call, struct{}) (yamlText, error) {
	return bytes.Replace(description, []byte(describedURL), []byte(s.base), 1), nil
}
