// Answers for each line "pattern, tab, text" whether Go's RE2 finds the pattern in the text.
package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		pattern, text, _ := strings.Cut(lines.Text(), "\t")
		answer := 0
		if regexp.MustCompile(pattern).MatchString(text) {
			answer = 1
		}
		fmt.Println(answer)
	}
}
