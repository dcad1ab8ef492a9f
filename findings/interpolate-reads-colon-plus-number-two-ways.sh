#!/usr/bin/env bash
# github.com/mfridman/interpolate, with which goose fills its ENVSUB lines in: v0.0.2 (goose up to v3.30.0) and v0.2.0 (goose
# from v3.30.1 on).
#
# Seen: both take `${A:+3}` and `${A: -9}` without an error, and make different text of them. The older one reads a substring
# from offset +3, and from before the start; the newer one the shell's "3 if A is set", and nothing. A migration that was
# applied with one goose and is applied to another database with the next makes other SQL there, and both report success.
# The newer module is a minor release of the older.
#
# Needs Go. Fails when either answer changes.
set -euo pipefail

folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
export GOPATH="$folder/go" GOCACHE="$folder/cache" GOFLAGS=-modcacherw

said() {
    local version=$1 function=$2
    mkdir "$folder/$version"
    cd "$folder/$version"
    cat >go.mod <<MOD
module finding

go 1.21

require github.com/mfridman/interpolate $version
MOD
    cat >main.go <<GO
package main

import (
	"fmt"
	"os"

	"github.com/mfridman/interpolate"
)

func main() {
	values := interpolate.NewMapEnv(map[string]string{"A": "alpha"})
	for _, line := range []string{"\${A:+3}", "\${A: -9}"} {
		text, err := interpolate.$function
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("[%s]", text)
	}
}
GO
    go mod tidy >/dev/null 2>&1
    go run .
}

old=$(said v0.0.2 'Interpolate(values, line)')
new=$(said v0.2.0 'Expand(line, values)')
echo "v0.0.2: $old   v0.2.0: $new"
[ "$old" = "[ha][alpha]" ] && [ "$new" = "[3][]" ]
