"""No text can become anything but text, links to web pages and line breaks."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.chat.emoji import is_emoji
from signaling.chat.text import LINK_REL, clean_text, first_link, render_html

ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//x.example/a.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '<a href="javascript:alert(1)">x</a>',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href=javascript:/a/-alert(1)///////>",
    "<object data=data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg>",
    "<style>@import 'javascript:alert(1)';</style>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    'https://x.example/"onmouseover="alert(1)',
    "https://x.example/'onmouseover='alert(1)",
    "https://x.example/`onmouseover=`alert(1)",
    "https://x.example/><script>alert(1)</script>",
    "https://x.example/&quot;onclick=&quot;alert(1)",
    "https://javascript:alert(1)@x.example/",
    "http://https://javascript:alert(1)",
    "https://x.example/%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    "https://x.example/\x00<script>alert(1)</script>",
    "<<script>script>alert(1)<</script>/script>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<a href=https://x.example/ onclick=alert(1)>x</a>",
    "]]><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "${alert(1)} {{constructor.constructor('alert(1)')()}}",
    "\ufeff<script>alert(1)</script>",
    "＜script＞alert(1)＜/script＞",
    '<xmp><p title="</xmp><svg/onload=alert(1)>">',
    "<template><script>alert(1)</script></template>",
]


class Found(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.others: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += "\n" if tag == "br" else ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)


def check(text: str) -> None:
    cleaned = clean_text(text)
    found = Found(render_html(cleaned))
    assert found.others == []
    for tag, attributes in found.tags:
        assert tag in ("a", "br"), tag
        if tag == "a":
            # What looks like an address and is none loses its target.
            assert attributes.keys() - {"href"} == {"rel", "target"}
            assert (attributes.get("href", "http://") or "").lower().startswith(("http://", "https://"))
            assert attributes["rel"] == LINK_REL
        else:
            assert attributes == {}
    assert found.text == cleaned, "nothing is lost, nothing is added"


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_are_shown_as_text(attack: str) -> None:
    check(attack)
    check(f"before\n{attack} https://x.example/{attack} after")


@given(
    st.lists(
        st.one_of(st.sampled_from(ATTACKS), st.text(max_size=30), st.sampled_from(["https://", "\n", "<", '"'])),
        max_size=6,
    )
)
def test_any_mixture_is_shown_as_text(parts: list[str]) -> None:
    check("".join(parts))


@given(st.text(alphabet="<>&\"'/:htps.aA()[]= \n\t#;", max_size=80))
def test_markup_characters_in_any_order(text: str) -> None:
    check(text)


@given(st.text())
def test_cleaning_is_done_once(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    cleaned.encode()
    assert "\r" not in cleaned
    assert "\x00" not in cleaned


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://example.org.", "https://example.org"),
        ("(https://example.org/a_(b))", "https://example.org/a_(b)"),
        ("HTTP://EXAMPLE.org/x?y=1#z!", "HTTP://EXAMPLE.org/x?y=1#z"),
        ('"https://example.org/"', "https://example.org/"),
        ("https://", None),
        ("https://...", None),
        ("ftp://example.org javascript:alert(1) //example.org example.org", None),
        ("https://münchen.example/straße next", "https://münchen.example/straße"),
        ("one https://a.example, two https://b.example", "https://a.example"),
    ],
)
def test_links(text: str, link: str | None) -> None:
    assert first_link(text) == link
    assert ("<a " in render_html(text)) == (link is not None)


@pytest.mark.parametrize("text", ["👍", "❤️", "👍🏽", "👩‍💻", "🇩🇪", "1️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "‼️", "↔️", "©️", "🫠"])
def test_emoji(text: str) -> None:
    assert is_emoji(text)


@pytest.mark.parametrize(
    "text", ["", "a", "ab", "1", "#", "<", "&", "\u200d", "\ufe0f", "ü", "漢", "👍a", "👍 ", "!", "…\u202e"]
)
def test_no_emoji(text: str) -> None:
    assert not is_emoji(text)
