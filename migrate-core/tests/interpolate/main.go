// Expands the lines of standard input with mfridman/interpolate, as goose does with each line under ENVSUB ON: the text in
// base64, or "!" for a line that is refused.
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"

	"github.com/mfridman/interpolate"
)

func main() {
	environment := interpolate.NewMapEnv(map[string]string{"A": "alpha", "E": "", "É": "accent", "W": "h\u00e9llo", "_": "under"})
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		text, err := expand(environment, lines.Text())
		if err != nil {
			fmt.Fprintln(out, "!")
			continue
		}
		fmt.Fprintln(out, base64.StdEncoding.EncodeToString([]byte(text)))
	}
}
