//go:build tools

// Package tools keeps the program that is built here among the requirements of go.mod.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
