package email

import (
	"io"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// What a mail program says of the part of a page that it quotes.
var quoted = regexp.MustCompile(`(?i)\b(gmail_quote|gmail_attr|yahoo_quoted|moz-cite-prefix|protonmail_quote|zmail_extra|divRplyFwdMsg|appendonsend|OLK_SRC_BODY_SECTION|mail-editor-reference-message-container|ms-outlook-mobile-reference-message)\b`)

// plainOfHTML is what a person reads of a page: a line a block, quoted blocks marked by > as in plain text. Nothing of it is
// ever shown as HTML.
func plainOfHTML(page string) string {
	if page == "" {
		return ""
	}
	var b strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(page))
	tokens.SetMaxBuf(maxBody)
	hidden, quote, line := 0, 0, "" // how deep in what is not read, and in what is quoted
	var blocks []bool               // of open div and blockquote, innermost last: whether it is quoted
	flush := func() {
		text := strings.Join(strings.Fields(line), " ")
		line = ""
		if text != "" && quote > 0 {
			text = "> " + text
		}
		b.WriteString(text + "\n")
	}
	for b.Len() < maxBody {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			if tokens.Err() != io.EOF {
				line += " …"
			}
			break
		}
		switch kind {
		case html.TextToken:
			if hidden == 0 {
				line += string(tokens.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			raw, more := tokens.TagName()
			name, marked := string(raw), false
			for more {
				var key, value []byte
				key, value, more = tokens.TagAttr()
				if (string(key) == "class" || string(key) == "id") && quoted.Match(value) {
					marked = true
				}
			}
			switch name {
			case "script", "style", "head", "title", "noscript":
				if kind == html.StartTagToken {
					hidden++
				} else if hidden > 0 {
					hidden--
				}
			case "body":
				hidden = 0 // a head that nobody closed
			case "br":
				flush()
			case "div", "blockquote":
				flush()
				if kind == html.StartTagToken && len(blocks) < 1000 {
					marked = marked || name == "blockquote"
					blocks = append(blocks, marked)
					if marked {
						quote++
					}
				} else if kind == html.EndTagToken && len(blocks) > 0 {
					if blocks[len(blocks)-1] {
						quote--
					}
					blocks = blocks[:len(blocks)-1]
				}
			case "hr":
				flush()
			case "p", "li", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "section", "article":
				flush()
			case "td", "th":
				line += " "
			}
		}
	}
	flush()
	return b.String()
}
