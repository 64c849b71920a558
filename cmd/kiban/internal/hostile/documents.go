package hostile

import (
	"bytes"
	"fmt"
	"strings"
)

// documentCases are attacks by papers that extract reads.
func documentCases() []Case {
	var cases []Case
	make := func(name string, data func() []byte) func(Folder) error {
		return spoiledBERT(func(f Folder) error { return f.Write(name, data()) })
	}
	refuse := func(name, file string, data func() []byte, says ...string) {
		cases = append(cases, Case{Name: name, Make: make(file, data), Args: extracting(file), Says: says})
	}
	accept := func(name, file string, data, twin func() []byte, more ...string) {
		cases = append(cases, Case{Name: name, Make: make(file, data), Args: extracting(file, more...), Accept: true, Twin: make(file, twin), Files: []string{"out.jsonl"}})
	}
	xml := func(name, data string, says ...string) {
		refuse(name, "in.xml", text(data), append(says, "in.xml:")...)
	}
	const head = `<?xml version="1.0"?>` + "\n"
	article := func(body string) string { return "<article><body><p>" + body + "</p></body></article>" }

	// What a file of XML may do to its reader: encoding/xml expands no entities
	// and fetches nothing, and kiban says so rather than leave them out.
	laugh := "<!DOCTYPE article [<!ENTITY a0 \"ha\">"
	for i := range 40 {
		laugh += fmt.Sprintf(`<!ENTITY a%d "&a%d;&a%d;">`, i+1, i, i)
	}
	xml("xml_laugh", head+laugh+"]>\n"+article("&a40;"), ":2:", "DOCTYPE", "remove")
	xml("xml_laugh_undeclared", head+article("\n&a40;"), ":3:", "&a40;", "write the character itself")
	xml("xml_quad", head+`<!DOCTYPE article [<!ENTITY a "`+strings.Repeat("a", 100_000)+`">]>`+article(strings.Repeat("&a;", 100_000)), "DOCTYPE")
	xml("xml_xxe_file", head+`<!DOCTYPE article [<!ENTITY x SYSTEM "file:///etc/passwd">]>`+article("&x;"), "DOCTYPE")
	xml("xml_xxe_secret", head+`<!DOCTYPE article [<!ENTITY x SYSTEM "../secret">]>`+article("&x;"), "DOCTYPE")
	xml("xml_xxe_http", head+`<!DOCTYPE article [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>`+article("a"), "DOCTYPE")
	dtd := `<!DOCTYPE article SYSTEM "http://127.0.0.1:9/x.dtd">`
	accept("xml_dtd_remote", "in.xml", text(head+dtd+article("tio2 films")), text(head+"<!--"+strings.Repeat("x", len(dtd)-7)+"-->"+article("tio2 films")))
	include := `<xi:include href="../secret" parse="text" xmlns:xi="http://www.w3.org/2001/XInclude"/>`
	accept("xml_include", "in.xml", text(head+article("tio2 "+include+"films")), text(head+article("tio2 <!--"+strings.Repeat("x", len(include)-7)+"-->films")))
	xml("xml_deep", head+"<article><body>"+strings.Repeat("<sec>", 100_000), "more than 256 deep")
	xml("xml_deep_outside", head+strings.Repeat("<a>", 1_000_000), "more than 256 deep")
	refuse("xml_attributes", "in.xml", func() []byte {
		var b bytes.Buffer
		b.WriteString(head + "<article")
		for i := range 1_000_000 {
			fmt.Fprintf(&b, ` a%d="x"`, i)
		}
		b.WriteString("><body><p>a</p></body></article>")
		return b.Bytes()
	}, "in.xml:2:", "1000000 attributes")
	big := func(unit string, n int) func() []byte {
		return func() []byte {
			return gz([]byte(head + "<article><body>" + strings.Repeat(unit, n) + "</body></article>"))
		}
	}
	refuse("xml_text", "in.xml.gz", func() []byte { return gz([]byte(head + article(strings.Repeat("a", 40<<20)))) }, "in.xml.gz:2:", "between two tags")
	refuse("xml_huge", "in.xml.gz", func() []byte { return gz([]byte(head + article(strings.Repeat("<b>a</b>", 20<<20)))) }, "in.xml.gz:", "more than 67108864 bytes", "--max-document")
	refuse("xml_references", "in.xml.gz", big("<p>"+strings.Repeat("&amp;", 1000)+"</p>", 12_000), "in.xml.gz:")
	refuse("xml_empty_elements", "in.xml.gz", big("<p/>", 12<<20), "in.xml.gz:")
	refuse("xml_sections", "in.xml.gz", big("<sec><p>a</p></sec>", 3<<20), "in.xml.gz:")
	refuse("xml_tag", "in.xml.gz", func() []byte {
		return gz([]byte(head + "<article><" + strings.Repeat("a", 50<<20) + "></b></article>"))
	}, "in.xml.gz:2:")
	xml("xml_entity_long", head+article("&"+strings.Repeat("a", 1<<20)+";"), ":2:")
	xml("xml_utf7", `<?xml version="1.0" encoding="UTF-7"?>`+"\n"+article("+ADw-a"), ":1:", "UTF-7", "iconv")
	xml("xml_encoding_long", `<?xml version="1.0" encoding="`+strings.Repeat("x", 1<<20)+`"?>`+"\n"+article("a"), ":1:")
	xml("xml_utf8", head+article("caf\xe9"), ":2:", "UTF-8", "iconv")
	xml("xml_nul", head+article("a\x00b"), ":2:")
	xml("xml_unclosed", head+"<article><body><p>a", ":2:")
	xml("xml_crossed", head+"<article><body>\n<p><b>a</p></b></body></article>", ":3:")
	xml("xml_other", head+"<note><p>a</p></note>", "no article")
	xml("xml_two", head+article("a")+"\n"+article("b"), ":3:", "a second article")
	xml("xml_no_text", head+"<article><body><p> </p></body></article>", "no text")
	xml("xml_nothing", "")
	xml("xml_elsevier", head+`<full-text-retrieval-response><originalText><xocs:doc><xocs:serial-item><ja:article><body>`+strings.Repeat("<ce:section>", 300), "more than 256 deep")

	// Lines of JSON.
	js := func(name, data string, says ...string) {
		refuse(name, "in.jsonl", text(data), append(says, "in.jsonl:")...)
	}
	const good = `{"id": "a", "text": "tio2 films"}` + "\n"
	js("js_array", good+`["a", "b"]`+"\n", ":2:", "a line must be one record", "1 of 2 documents")
	js("js_number", good+"\n7\n", ":3:", "a line must be one record")
	js("js_null", "null\n", ":1:")
	js("js_twice", good+`{"text": "tio2", "text": "zno"}`+"\n", ":2:", "twice")
	js("js_twice_escaped", `{"text": "tio2", "te\u0078t": "zno"}`+"\n", ":1:", "twice")
	js("js_deep", `{"text": `+strings.Repeat("[", 1_000_000)+"\n", ":1:", "not JSON")
	js("js_deep_closed", `{"text": "a", "x": `+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+"}\n", ":1:", "not JSON")
	js("js_surrogate", good+`{"text": "tio2 \ud835 films"}`+"\n", ":2:", "surrogate", "--invalid replace")
	js("js_utf8", good+"{\"text\": \"caf\xe9\"}\n", ":2:", "0xe9", "--invalid replace")
	js("js_no_text", `{"body": 5}`+"\n", ":1:", "without text")
	js("js_object", `{"text": {"a": 1}}`+"\n", ":1:", "text")
	js("js_empty", `{"id": "x", "text": " "}`+"\n", ":1:", "no text")
	js("js_cut", good+`{"text": "tio2`, ":2:", "not JSON")
	js("js_keys", `{`+strings.Repeat(`"`+strings.Repeat("k", 1000)+`": 1, `, 1)+strings.Repeat(" ", 10)+`"z": 1}`+"\n", ":1:", "without text")
	// A file of many wrong lines is told in few.
	js("js_many", strings.Repeat("x\n", 100_000), "100,000 of 100,000 documents")
	refuse("js_line", "in.jsonl.gz", func() []byte { return gz([]byte(good + strings.Repeat("x", 50<<20) + "\n" + good)) }, "in.jsonl.gz:2:", "not JSON", "1 of 3 documents")
	refuse("js_line_longer", "in.jsonl.gz", func() []byte { return gz([]byte(good + strings.Repeat("x", 70<<20) + "\n" + good)) }, "in.jsonl.gz:2:", "more than 67108864 bytes", "--max-document", "1 of 3 documents")
	refuse("js_list", "in.json", text("[{\"text\": \"a\"},\n{\"text\": 7\n"), "in.json:", "not JSON")
	refuse("js_list_deep", "in.json", text(strings.Repeat("[", 1_000_000)), "in.json:1:", "not JSON")
	refuse("js_values", "in.jsonl.gz", func() []byte { return gz([]byte(`{"x": [` + strings.Repeat("0,", 25<<20) + "0]}\n")) }, "in.jsonl.gz:1:", "without text")
	refuse("js_many_keys", "in.jsonl.gz", func() []byte {
		var b bytes.Buffer
		b.WriteByte('{')
		for i := range 2_000_000 {
			fmt.Fprintf(&b, `"k%d": 1, `, i)
		}
		b.WriteString("\"z\": 1}\n")
		return gz(b.Bytes())
	}, "in.jsonl.gz:1:")
	// One document of 50 MB.
	refuse("js_word", "in.jsonl.gz", func() []byte {
		return gz([]byte(`{"id": "w", "text": "` + strings.Repeat("x", 50<<20) + "\"}\n" + good))
	}, "in.jsonl.gz:1:", "more than 1048576 bytes", "1 of 2 documents")
	cases[len(cases)-1].Args = extracting("in.jsonl.gz", "--max-document", "1M")

	// Tables.
	table := func(name, data string, says ...string) {
		refuse(name, "in.csv", text(data), append(says, "in.csv:")...)
	}
	table("csv_columns", "id,text\n1,tio2 films\n2,a,b\n", ":3:", "3 columns, the first row has 2", "1 of 2 documents")
	table("csv_no_text", "id,title\n1,a\n", ":1:", "--text-column")
	table("csv_quote", "id,text\n1,tio2 films\n2,\"open\n", ":3:", "not closed")
	table("csv_after_quote", "id,text\n1,\"a\"b\n", ":2:", "followed by more")
	table("csv_empty", "", "no text")
	cases = append(cases, Case{Name: "csv_no_rows", Make: make("in.csv", text("id,text\n")), Args: extracting("in.csv"), Accept: true, Says: []string{"no documents in the input"}})
	table("csv_utf8", "id,text\n1,caf\xe9\n", ":2:", "0xe9")
	table("csv_nul", "id,text\n1,tio2 films\n2,a\x00b\n"+strings.Repeat("x", 5000), "NUL")
	refuse("csv_late_nul", "in.csv", text("id,text\n"+strings.Repeat("1,tio2 films\n", 1000)+"2,a\x00b\n"), "in.csv:1002:", "NUL")
	refuse("csv_quote_long", "in.csv.gz", func() []byte { return gz([]byte("id,text\n1,\"" + strings.Repeat("tio2 films\n", 5<<20))) }, "in.csv.gz:2:", "not closed")
	refuse("csv_fields", "in.csv.gz", func() []byte { return gz([]byte("id,text\n1,a" + strings.Repeat(",", 50<<20) + "\n")) }, "in.csv.gz:2:")
	refuse("csv_names", "in.csv.gz", func() []byte { return gz([]byte(strings.Repeat("name,", 1<<20) + "\n1\n")) }, "in.csv.gz:1:")
	refuse("tsv_fields", "in.tsv.gz", func() []byte { return gz([]byte("id\ttext\n1\ta" + strings.Repeat("\t", 50<<20) + "\n")) }, "in.tsv.gz:2:")

	// Text, and what is none.
	plain := func(name, data string, says ...string) { refuse(name, "x.txt", text(data), append(says, "x.txt:")...) }
	plain("tx_empty", "", "no text")
	plain("tx_blank", " \n\t\n", "no text")
	plain("tx_nul", strings.Repeat("tio2 films\n", 1000)+"a\x00b", ":1001:", "NUL")
	plain("tx_utf8", "tio2\ncaf\xe9\n", ":2:", "0xe9", "--invalid replace")
	plain("tx_utf16", utf16Text("tio2 films"), "UTF-16", "iconv")
	plain("tx_html", "<!DOCTYPE html><html><body>Access denied</body></html>", "HTML")
	plain("tx_zip", string(zipped(zipEntry{name: "word/document.xml", data: []byte("<a/>")})), "zip")
	plain("tx_elf", "\x7fELF\x02\x01\x01"+strings.Repeat("\x00", 60), "NUL")
	refuse("tx_huge", "x.txt.gz", func() []byte { return gz(bytes.Repeat([]byte("tio2 films.\n"), 10<<20)) }, "x.txt.gz:", "more than 67108864 bytes", "--max-document")
	accept("tx_replaced", "x.txt", text("tio2 caf\xe9 films\n"), text("tio2 caf\ufffd films\n"), "--invalid", "replace", "--csv", "out.csv")
	cases[len(cases)-1].Files = []string{"out.csv"} // which has no places of the file
	cases[len(cases)-1].Says = []string{"x.txt:1:", "were replaced"}
	accept("tx_mojibake", "x.txt", text("5 Âµm of tio2\n"), text("5 µm of tio2\n"), "--mojibake", "repair", "--csv", "out.csv")
	cases[len(cases)-1].Files = []string{"out.csv"}
	cases[len(cases)-1].Says = []string{"x.txt:1:", "repaired"}
	cases = append(cases, Case{Name: "tx_mojibake_told", Make: make("x.txt", text("tio2\n5 Âµm of tio2\n")), Args: extracting("x.txt"), Accept: true,
		Says: []string{"x.txt:2:", "--mojibake repair"}})
	cases = append(cases, Case{Name: "tx_zero", Make: bert, Args: extracting("/dev/zero"), Says: []string{"/dev/zero:", "NUL"}})

	// PDF, which pdftotext reads.
	pdf := func(name, data string, says ...string) {
		refuse(name, "in.pdf", text(data), append(says, "in.pdf")...)
	}
	pdf("pdf_text", "tio2 films\n", "no PDF")
	pdf("pdf_html", "<html><body>Please log in</body></html>", "HTML")
	pdf("pdf_empty", "", "no PDF")
	pdf("pdf_head", "%PDF-1.7\n", "pdftotext")
	pdf("pdf_noise", "%PDF-1.7\n"+strings.Repeat("\xff\x00obj<<[(", 100_000), "pdftotext")
	pdf("pdf_deep", "%PDF-1.7\n1 0 obj\n"+strings.Repeat("[", 1<<20)+"\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF\n", "pdftotext")
	pdf("pdf_kids", pdfText("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R]/Count 1000000000>>"), "in.pdf")
	for i := range cases {
		if name := cases[i].Name; strings.HasPrefix(name, "pdf_") && name != "pdf_text" && name != "pdf_html" && name != "pdf_empty" {
			cases[i].Runs = "pdftotext"
		}
	}
	return cases
}

// pdfText is a PDF file of objects, of which the first is its root.
func pdfText(objects ...string) string {
	var b strings.Builder
	b.WriteString("%PDF-1.4\n")
	table := fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for i, o := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	at := b.Len()
	fmt.Fprintf(&b, "%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", table, len(objects)+1, at)
	return b.String()
}
