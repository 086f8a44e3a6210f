use super::render;
use crate::answer::sanitise::{FORMS, MATHEMATICS};
use crate::types::{AnswerMode, Citation, DocumentId, Placement, SentenceCheck, Support};
use std::time::{Duration, Instant};

fn citation(number: u32) -> Citation {
    Citation {
        number,
        document_id: DocumentId::from("d"),
        filename: "manual.pdf".to_owned(),
        title: "Pump \"P-40\" <manual>".to_owned(),
        chunk_index: 0,
        page: 42,
        page_number: Some(42),
        start: 0,
        end: 4,
        text: "text".to_owned(),
        score: 0.9,
        placement: Placement::default(),
    }
}

fn check(start: usize, end: usize, support: Support) -> SentenceCheck {
    SentenceCheck {
        start,
        end,
        support,
        citations: vec![1],
        score: 0.8,
    }
}

fn model() -> AnswerMode {
    AnswerMode::Model {
        name: "m".to_owned(),
    }
}

fn html(content: &str) -> String {
    render(content, &model(), &[citation(1), citation(2)], &[])
}

#[test]
fn chip_stands_right_after_its_word() {
    let chip = "\u{2060}<a class=\"c\" href=\"#source-1\" data-source=\"1\" data-citation=\"0\" \
                aria-label=\"Source 1, Pump &quot;P-40&quot; &lt;manual&gt;, page 42\">1</a>";
    assert_eq!(html("Stop it [1]."), format!("<p>Stop it{chip}.</p>"));
    assert_eq!(
        html("Stop **it.** [1]"),
        format!("<p>Stop <strong>it.</strong>{chip}</p>")
    );
    assert_eq!(html("Stop it\n[1]"), format!("<p>Stop it{chip}</p>"));
}

#[test]
fn each_marked_number_points_to_its_own_citation() {
    let citations = [citation(1), citation(2), citation(1)];
    let html = render("A [1]. B [2][1].", &model(), &citations, &[]);
    let found: Vec<&str> = html
        .split("data-citation=\"")
        .skip(1)
        .map(|s| &s[..1])
        .collect();
    assert_eq!(found, ["0", "1", "2"]);
}

#[test]
fn unknown_number_makes_no_chip() {
    assert_eq!(html("So it is [7]."), "<p>So it is.</p>");
}

#[test]
fn sentence_is_marked_across_inline_markup() {
    let content = "Äh **stop** now. Go.";
    let checks = [
        check(0, 16, Support::Supported),
        check(17, 20, Support::Unsupported),
    ];
    assert_eq!(
        render(content, &model(), &[], &checks),
        "<p><span class=\"s\" data-sentence=\"0\">Äh </span><strong>\
         <span class=\"s\" data-sentence=\"0\">stop</span></strong>\
         <span class=\"s\" data-sentence=\"0\"> now.</span> \
         <span class=\"s none\" data-sentence=\"1\">Go.</span></p>"
    );
}

#[test]
fn marker_is_no_link_definition_and_no_link_text() {
    assert_eq!(
        html("[9]: http://evil.test\n\nSee [9]."),
        "<p>: http://evil.test</p>\n<p>See.</p>".replace('\n', "")
    );
    assert!(!html("[1](http://evil.test)").contains("href=\"http"));
}

#[test]
fn brackets_in_code_stay() {
    assert_eq!(html("`a[1]`"), "<p><code>a[1]</code></p>");
    assert_eq!(html("    a[1]\n"), "<pre><code>a[1]\n</code></pre>");
    assert_eq!(
        html("```unheard onclick=x\na[1] < 2\n```"),
        "<pre data-language=\"unheard\"><code>a[1] &lt; 2\n</code></pre>"
    );
}

#[test]
fn tables_and_lists_are_rendered() {
    let table = html("| a | b |\n|---|---|\n| 1<br>2 | x [1] |\n");
    assert!(table.contains("<th scope=\"col\">a</th>"), "{table}");
    assert!(table.contains("<td>1<br>2</td>"), "{table}");
    assert!(table.contains("data-source=\"1\""), "{table}");
    assert_eq!(
        html("3. a\n4. b\n"),
        "<ol start=\"3\"><li>a</li><li>b</li></ol>"
    );
}

#[test]
fn what_is_said_of_quotes_is_no_quote() {
    let content = "The lamp burns oil. [1]\n\nThese are 2 statements.";
    let checks = [check(0, 23, Support::Supported)];
    let html = render(content, &AnswerMode::Quotes, &[citation(1)], &checks);
    assert_eq!(html.matches("<blockquote").count(), 1, "{html}");
    assert!(
        html.ends_with("</blockquote><p>These are 2 statements.</p>"),
        "{html}"
    );
}

#[test]
fn quotes_are_shown_character_by_character() {
    let content = "2 * 3 * 4 is _not_ <b>bold</b> [1]\n\n# no heading [2]";
    let checks = [check(0, 30, Support::Supported)];
    let citations = [citation(1), citation(2)];
    let html = render(content, &AnswerMode::Quotes, &citations, &checks);
    assert_eq!(html.matches("<blockquote class=\"quote\"><p>").count(), 2);
    assert!(
        html.contains("2 * 3 * 4 is _not_ &lt;b&gt;bold&lt;/b&gt;</span>"),
        "{html}"
    );
    assert!(
        html.contains("# no heading\u{2060}<a class=\"c\""),
        "{html}"
    );
}

#[test]
fn links_only_lead_out_by_known_schemes() {
    assert_eq!(
        html("[x](https://a.test/?a=1&b=2)"),
        "<p><a href=\"https://a.test/?a=1&amp;b=2\" rel=\"noopener noreferrer nofollow\">x</a></p>"
    );
    for url in [
        "/api/x",
        "//a.test",
        "data:text/html,x",
        "x",
        "#source-1",
        "file:///etc",
        "JaVaScRiPt:x",
    ] {
        assert_eq!(html(&format!("[x]({url})")), "<p>x</p>", "{url}");
    }
}

/// Payloads of the usual families: elements, handlers, addresses, encodings,
/// parser confusion, Markdown constructs; and those that the page is tried with.
fn attacks() -> Vec<String> {
    let script = "alert(1)";
    let corpus = include_str!("../../tests/fixtures/xss.json");
    let corpus: Vec<serde_json::Value> = serde_json::from_str(corpus).unwrap();
    let texts = corpus.iter().map(|one| one["text"].as_str().unwrap());
    let mut all: Vec<String> = texts.map(str::to_owned).collect();
    for tag in [
        "script",
        "img",
        "svg",
        "iframe",
        "object",
        "embed",
        "video",
        "audio",
        "body",
        "input",
        "details",
        "math",
        "style",
        "link",
        "meta",
        "base",
        "form",
        "template",
        "noscript",
        "textarea",
        "title",
        "xmp",
        "plaintext",
        "select",
        "marquee",
        "frameset",
        "a",
        "span",
    ] {
        all.push(format!("<{tag}>{script}</{tag}>"));
        all.push(format!("<{tag} src=x onerror={script} onload={script}>"));
        all.push(format!(
            "text <{tag}/onmouseover=\"{script}\" style=\"x:y\"> text"
        ));
    }
    for url in [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "java\tscript:alert(1)",
        "java&#10;script:alert(1)",
        "&#106;avascript:alert(1)",
        "&#x6A;avascript&colon;alert(1)",
        "javascript&#58;alert(1)",
        "\u{1}javascript:alert(1)",
        "vbscript:msgbox(1)",
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/svg+xml,<svg onload=alert(1)>",
        "blob:http://a/b",
        "filesystem:http://a/b",
        "javascript://%0aalert(1)",
        "https:alert(1)\"onmouseover=\"alert(1)",
        "view-source:http://a",
    ] {
        all.push(format!("[a]({url})"));
        all.push(format!("[a](<{url}>)"));
        all.push(format!("![a]({url})"));
        all.push(format!("[a][r]\n\n[r]: <{url}>"));
        all.push(format!("<{url}>"));
        all.push(format!("<a href=\"{url}\">x</a>"));
    }
    for text in [
        "\"><script>alert(1)</script>",
        "'\"--></style></script><script>alert(1)</script>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<?php echo 1 ?><script>alert(1)</script>",
        "<math><mtext></p><style><img src=x onerror=alert(1)></style>",
        "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "```\"><script>alert(1)</script>\nx\n```",
        "``` \" onload=alert(1)\nx\n```",
        "`<img src=x onerror=alert(1)>`",
        "[1](javascript:alert(1))",
        "[1]: javascript:alert(1)",
        "| <script>alert(1)</script> |\n|---|\n| <img onerror=alert(1)> |",
        "[a](http://x \"t\\\" onmouseover=alert(1) x=\\\"\")",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&#60;script&#62;alert(1)&#60;/script&#62;",
        "\\<script>alert(1)\\</script>",
        "<ScRiPt\u{0}>alert(1)</sCrIpT>",
        "＜script＞alert(1)",
        "<a\u{c}href=javascript:alert(1)>x",
        "**<b onclick=alert(1)>**",
        "> <iframe srcdoc='<script>alert(1)</script>'>",
        "- <form action=javascript:alert(1)><button>",
        "# <svg/onload=alert(1)>",
        "</p></div></body><script>alert(1)</script>",
        "<br onclick=alert(1)>",
        "<br/ onclick=alert(1)/>",
    ] {
        all.push(text.to_owned());
    }
    all
}

/// Tags of `html` as a browser would read them: text cannot contain `<`.
fn assert_inert(html: &str, attack: &str) {
    for tag in html.split('<').skip(1) {
        let (inside, _) = tag.split_once('>').unwrap_or((tag, ""));
        let mut outside_values = String::new();
        for (at, part) in inside.split('"').enumerate() {
            if at % 2 == 0 {
                outside_values.push_str(part);
            } else if outside_values.ends_with("href=") {
                let safe = ["http:", "https:", "mailto:", "#source-", "#note-"];
                assert!(
                    safe.iter().any(|s| part.starts_with(s)),
                    "{attack:?} -> {html}"
                );
            }
        }
        let mut words = outside_values.trim_start_matches('/').split_whitespace();
        let name = words.next().unwrap_or_default();
        let known = [
            "p",
            "h3",
            "h4",
            "h5",
            "h6",
            "blockquote",
            "pre",
            "code",
            "ol",
            "ul",
            "li",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "em",
            "strong",
            "del",
            "a",
            "span",
            "br",
            "hr",
            "sup",
            "div",
        ];
        let is_known = known.contains(&name) || MATHEMATICS.contains(&name);
        assert!(is_known, "{attack:?} -> {html}");
        for attribute in words {
            let attribute = attribute.trim_end_matches('=');
            let known = [
                "class",
                "href",
                "rel",
                "data-source",
                "data-citation",
                "data-sentence",
                "data-language",
                "aria-label",
                "start",
                "scope",
                "display",
                "data-note",
            ];
            let is_known = known.contains(&attribute) || FORMS.contains(&attribute);
            assert!(is_known, "{attack:?} -> {html}");
        }
    }
}

#[test]
fn nothing_executable_survives() {
    let attacks = attacks();
    assert!(attacks.len() > 300);
    for attack in &attacks {
        assert_inert(&html(attack), attack);
        let checks = [check(0, 7, Support::Weak), check(9, 30, Support::Supported)];
        let marked = format!("{attack} [1]");
        assert_inert(&render(&marked, &model(), &[citation(1)], &checks), attack);
        let mut titled = citation(1);
        titled.title.clone_from(attack);
        assert_inert(
            &render("A [1]", &AnswerMode::Quotes, &[titled], &checks),
            attack,
        );
        assert_inert(&render(&marked, &AnswerMode::Quotes, &[], &checks), attack);
    }
}

#[test]
fn raw_html_is_shown_as_text() {
    assert_eq!(html("<b>x</b> y"), "<p>&lt;b&gt;x&lt;/b&gt; y</p>");
    assert_eq!(
        html("<div>\nx\n</div>"),
        "<p>&lt;div&gt;\nx\n&lt;/div&gt;</p>"
    );
}

#[test]
fn bombs_are_rendered_in_bounded_time() {
    let began = Instant::now();
    for bomb in [
        ">".repeat(20_000) + "x",
        "- ".repeat(20_000) + "x",
        "[".repeat(50_000),
        "![".repeat(50_000),
        "*a **b ".repeat(20_000),
        "`".repeat(50_000) + "x",
        "<a ".repeat(50_000),
        "[1]".repeat(20_000),
        "|".repeat(3_000) + "\n" + &"|-".repeat(3_000) + "\n" + &"|\n".repeat(300),
        "x".repeat(5_000_000),
        "a<b ".repeat(1_250_000),
    ] {
        let html = html(&bomb);
        assert!(html.matches("<blockquote>").count() <= 24);
        assert!(html.len() <= 60 * bomb.len(), "{}", &bomb[..20]);
    }
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn formulas_of_both_notations_become_mathml_and_money_stays_money() {
    for text in ["So $x^2$ is.", "So \\(x^2\\) is."] {
        let html = html(text);
        assert!(
            html.starts_with("<p>So <math>") && html.ends_with("</math> is.</p>"),
            "{html}"
        );
    }
    for text in ["$$\\frac{a}{b}$$", "\\[\\frac{a}{b}\\]"] {
        let html = html(text);
        assert!(
            html.contains("<math display=\"block\">") && html.contains("<mfrac>"),
            "{html}"
        );
    }
    assert_eq!(
        html("From $5 to $10 or $5-$10."),
        "<p>From $5 to $10 or $5-$10.</p>"
    );
    assert_eq!(
        html("`\\(x\\)` \\(x"),
        "<p><code>\\(x\\)</code> \\(x</p>".replace(" \\(", " (")
    );
}

#[test]
fn formula_cannot_smuggle_markup() {
    for text in [
        "$\\text{<img src=x onerror=alert(1)>}$",
        "$\\href{javascript:alert(1)}{x}$",
        "$<script>alert(1)</script>$",
        "$\\class{x}{y} \\style{color:red}{z}$",
        "$$\\begin{array}{c}<svg onload=alert(1)>\\end{array}$$",
    ] {
        let html = html(text).to_lowercase();
        for bad in [
            "<img",
            "<script",
            "<svg",
            "href=\"javascript",
            " style=",
            " onerror=\"",
        ] {
            assert!(!html.contains(bad), "{text}: {html}");
        }
    }
}

#[test]
fn known_language_is_highlighted_once_its_block_is_closed() {
    let html = html("```rust\nfn f() {}\n```");
    assert!(
        html.starts_with("<pre data-language=\"rust\"><code><span class=\"hl-k\">fn</span>"),
        "{html}"
    );
}

#[test]
fn images_are_links_and_footnotes_lead_to_their_notes() {
    let link = "<a href=\"https://a.test/b.png\" rel=\"noopener noreferrer nofollow\">";
    assert_eq!(
        html("![A *bee*](https://a.test/b.png)"),
        format!("<p>{link}A <em>bee</em></a></p>")
    );
    assert_eq!(
        html("![](https://a.test/b.png)"),
        format!("<p>{link}image</a></p>")
    );
    assert_eq!(html("![x](javascript:alert(1))"), "<p>x</p>");
    let noted = html("So[^why].\n\n[^why]: Indeed.");
    let (_, number) = noted.split_once("href=\"#note-").unwrap();
    let (number, _) = number.split_once('"').unwrap();
    assert!(
        noted.contains(&format!(
            "<sup><a class=\"fn\" href=\"#note-{number}\">why</a></sup>"
        )),
        "{noted}"
    );
    assert!(
        noted.contains(&format!(
            "<div class=\"footnote\" data-note=\"{number}\"><sup>why</sup> <p>Indeed.</p></div>"
        )),
        "{noted}"
    );
}

#[test]
fn columns_are_set_as_the_table_says() {
    let html = html("| a | b |\n|---|--:|\n| 1 | 2 |");
    assert!(
        html.contains("<td>1</td><td class=\"end\">2</td>"),
        "{html}"
    );
}
