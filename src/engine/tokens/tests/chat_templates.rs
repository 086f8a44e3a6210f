//! Chat templates: the texts are those that Python's Jinja makes, and what the
//! templates do badly does no harm.

use super::{metadata, shared, take};
use crate::tokens::{ChatMessage, ChatTemplate, RenderOptions};
use satchel_types::Role;
use serde_json::Value;
use std::path::Path;

const ANSWERABLE: RenderOptions<'_> = RenderOptions {
    add_generation_prompt: true,
    enable_thinking: None,
    tools: &[],
};
const READ_ONLY: RenderOptions<'_> = RenderOptions {
    add_generation_prompt: false,
    ..ANSWERABLE
};

fn expected() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/chat-templates/expected.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn messages(conversation: &Value) -> Vec<ChatMessage> {
    let messages = conversation["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| {
            let role = match message["role"].as_str().unwrap() {
                "system" => Role::System,
                "user" => Role::User,
                _ => Role::Assistant,
            };
            ChatMessage::new(role, message["content"].as_str().unwrap())
        })
        .collect()
}

/// Renders all conversations with a template and compares the texts.
fn compare(name: &str, source: &str, expected: &Value) {
    let template = ChatTemplate::new(source, "<s>", "</s>").unwrap();
    let today = jiff::Zoned::now().strftime("%d %b %Y").to_string();
    for (conversation, text) in expected["texts"][name].as_object().unwrap() {
        let given = &expected["conversations"][conversation];
        let none = Vec::new();
        let options = RenderOptions {
            add_generation_prompt: given["add_generation_prompt"].as_bool().unwrap_or(true),
            enable_thinking: given["enable_thinking"].as_bool(),
            tools: given["tools"].as_array().unwrap_or(&none),
        };
        let rendered = template.render(&messages(given), &options).unwrap();
        let text = text.as_str().unwrap().replace("{{TODAY}}", &today);
        assert_eq!(rendered, text, "{name}, {conversation}");
    }
}

fn published(name: &str) -> Option<String> {
    let path = shared(&format!("chat-templates/{name}.jinja"))?;
    Some(std::fs::read_to_string(path).unwrap())
}

const PUBLISHED: [&str; 7] = [
    "HuggingFaceTB-SmolLM3-3B",
    "Qwen-Qwen2.5-7B-Instruct",
    "Qwen-Qwen3-0.6B",
    "google-gemma-2-2b-it",
    "meta-llama-Llama-3.2-3B-Instruct",
    "microsoft-Phi-3.5-mini-instruct",
    "mistralai-Mistral-Nemo-Instruct-2407",
];

#[test]
fn published_templates_give_the_texts_that_python_gives() {
    let expected = expected();
    for name in PUBLISHED {
        if let Some(source) = published(name) {
            compare(name, &source, &expected);
        }
    }
}

#[test]
fn templates_use_python_as_they_are_used_to() {
    let expected = expected();
    let own = expected["own"].as_object().unwrap();
    assert!(own.len() >= 9);
    for (name, source) in own {
        compare(name, source.as_str().unwrap(), &expected);
    }
}

#[test]
fn published_templates_say_how_their_models_think() {
    for name in PUBLISHED {
        let Some(source) = published(name) else {
            continue;
        };
        let template = ChatTemplate::new(&source, "<s>", "</s>").unwrap();
        let thinks = name.contains("Qwen3") || name.contains("SmolLM3");
        let tags = template.thinking();
        assert_eq!(tags.is_some(), thinks, "{name}");
        if let Some(tags) = tags {
            assert_eq!((tags.open, tags.close), ("<think>", "</think>"));
            assert!(tags.can_switch_off);
        }
    }
}

fn conversation() -> Vec<ChatMessage> {
    vec![
        ChatMessage::new(Role::System, "Answer from <the sources>."),
        ChatMessage::new(Role::User, "What is it?"),
    ]
}

fn longer() -> Vec<ChatMessage> {
    let mut messages = conversation();
    for turn in 0..3 {
        messages.push(ChatMessage::new(Role::Assistant, format!("Answer {turn}.")));
        messages.push(ChatMessage::new(Role::User, format!("Question {turn}?")));
    }
    messages
}

fn common(left: &str, right: &str) -> usize {
    let both = left.bytes().zip(right.bytes());
    both.take_while(|(left, right)| left == right).count()
}

#[test]
fn earlier_turns_begin_the_text_of_later_ones() {
    for name in PUBLISHED {
        let Some(source) = published(name) else {
            continue;
        };
        let template = ChatTemplate::new(&source, "<s>", "</s>").unwrap();
        let messages = longer();
        for turns in [4, 6] {
            let text =
                |turns: usize, options| template.render(&messages[..turns], options).unwrap();
            // An answer is to follow, then has followed, then a question has.
            let asked = text(turns, &ANSWERABLE);
            let asked_again = text(turns + 2, &ANSWERABLE);
            let shared = common(&asked, &asked_again);
            if name.contains("Mistral") {
                // The system's part moves to the last question.
                assert!(shared < asked.len(), "{name}");
                assert!(shared > asked.find("Answer 0").unwrap(), "{name}");
            } else {
                assert_eq!(shared, asked.len(), "{name}");
            }
            let read = text(turns, &READ_ONLY);
            let whole = if name.contains("Phi") {
                // Phi-3 ends a text that no answer follows with an end token.
                read.trim_end_matches("</s>").len()
            } else {
                read.len()
            };
            if !name.contains("Mistral") {
                assert!(common(&read, &asked_again) >= whole, "{name}");
            }
        }
    }
}

#[test]
fn switching_thoughts_off_keeps_the_text_up_to_the_last_answer() {
    for (name, keeps_answer) in [
        ("Qwen-Qwen3-0.6B", false),
        ("HuggingFaceTB-SmolLM3-3B", true),
    ] {
        let Some(source) = published(name) else {
            continue;
        };
        let template = ChatTemplate::new(&source, "<s>", "</s>").unwrap();
        let options = RenderOptions {
            enable_thinking: Some(false),
            ..ANSWERABLE
        };
        let messages = longer();
        let asked = template.render(&messages[..4], &options).unwrap();
        let again = template.render(&messages[..6], &options).unwrap();
        let shared = common(&asked, &again);
        assert!(shared >= asked.rfind("<think>").unwrap());
        assert_eq!(shared == asked.len(), keeps_answer, "{name}");
    }
}

#[test]
fn prompt_that_opens_a_thought_is_recognised() {
    let source = "{% for m in messages %}{{ m.content.split('</think>')[-1] }}{% endfor %}{% if add_generation_prompt %}<assistant><think>\n{% endif %}";
    let template = ChatTemplate::new(source, "", "").unwrap();
    let tags = template.thinking().unwrap();
    assert!(!tags.can_switch_off);
    let prompt = template.render(&conversation(), &ANSWERABLE).unwrap();
    assert!(tags.are_open_at_the_end_of(&prompt));
    let read = template.render(&conversation(), &READ_ONLY).unwrap();
    assert!(!tags.are_open_at_the_end_of(&read));
}

#[test]
fn template_that_drops_the_system_message_gets_it_in_the_question() {
    let source =
        "{% for m in messages %}{% if m.role == 'user' %}[{{ m.content }}]{% endif %}{% endfor %}";
    let template = ChatTemplate::new(source, "", "").unwrap();
    let text = template.render(&conversation(), &ANSWERABLE).unwrap();
    assert_eq!(text, "[Answer from <the sources>.\n\nWhat is it?]");
}

#[test]
fn stopped_answer_does_not_break_a_template_that_wants_turns() {
    let source = "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('turns') }}{% endif %}[{{ m.content }}]{% endfor %}";
    let template = ChatTemplate::new(source, "", "").unwrap();
    let messages = ["one", "two"].map(|text| ChatMessage::new(Role::User, text));
    assert_eq!(
        template.render(&messages, &ANSWERABLE).unwrap(),
        "[one\n\ntwo]"
    );
}

#[test]
fn endless_endlessly_nested_and_endlessly_long_templates_are_refused() {
    let keeps = "{% for m in messages %}{{ m.content }}{% endfor %}";
    for (harm, reason) in [
        (
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
            "too many steps",
        ),
        (
            "{% set x = 'x' * 100000 %}{% for a in range(9999) %}{{ x }}{% endfor %}",
            "too long",
        ),
        (
            "{% macro again(n) %}{{ again(n + 1) }}{% endmacro %}{{ again(0) }}",
            "recursion",
        ),
        ("{{ 'x' * 99999999999 }}", "too large"),
    ] {
        let error = ChatTemplate::new(&format!("{keeps}{harm}"), "", "")
            .err()
            .unwrap_or_else(|| panic!("{harm} was taken"))
            .to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn template_that_writes_too_much_for_some_conversation_is_refused_then() {
    let source = "{% for m in messages %}{% for n in messages %}{{ m.content }}{{ n.content }}{% endfor %}{% endfor %}";
    let template = ChatTemplate::new(source, "", "").unwrap();
    let roles = [Role::User, Role::Assistant].into_iter().cycle();
    let many: Vec<ChatMessage> = roles
        .take(200)
        .map(|role| ChatMessage::new(role, "long ".repeat(100)))
        .collect();
    let error = template.render(&many, &ANSWERABLE).unwrap_err().to_string();
    assert!(error.contains("too long"), "{error}");
}

#[test]
fn template_that_does_not_work_is_replaced_by_a_plain_layout() {
    let plain = take(
        metadata("llama", &[("a", 1)])
            .into_iter()
            .chain(scores(1))
            .collect(),
    );
    let template = ChatTemplate::choose(Some("{% for %}"), &plain);
    let text = template.render(&conversation(), &ANSWERABLE).unwrap();
    assert_eq!(
        text,
        "Answer from <the sources>.\n\nUser: What is it?\nAssistant:"
    );
    assert_eq!(template.stop(), Some("\nUser:"));
}

#[test]
fn model_without_template_but_with_chatml_marks_gets_chatml() {
    let tokens = [("<|im_start|>", 3), ("<|im_end|>", 3)];
    let chatml = take(
        metadata("llama", &tokens)
            .into_iter()
            .chain(scores(2))
            .collect(),
    );
    let template = ChatTemplate::choose(None, &chatml);
    assert_eq!(
        template.render(&conversation(), &ANSWERABLE).unwrap(),
        "<|im_start|>system\nAnswer from <the sources>.<|im_end|>\n<|im_start|>user\nWhat is it?<|im_end|>\n<|im_start|>assistant\n"
    );
}

fn scores(count: usize) -> [(String, candle_core::quantized::gguf_file::Value); 1] {
    use candle_core::quantized::gguf_file::Value;
    let scores = vec![Value::F32(0.0); count];
    [(super::key("scores"), Value::Array(scores))]
}

#[test]
fn conversation_without_question_is_refused() {
    let template = ChatTemplate::new(
        "{{ messages[0].content }}{{ messages[-1].content }}",
        "",
        "",
    );
    let error = template.unwrap().render(&conversation()[..1], &ANSWERABLE);
    assert!(error.unwrap_err().to_string().contains("question"));
}
