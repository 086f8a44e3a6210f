"""PDFs whose text is known: what `pdf_text.py --make` compares.

Made by reportlab, fpdf2 (with HarfBuzz), groff and qpdf, the same on each run.
`make` gives back each file with the text of its pages in reading order; a file
without one is to be refused (None), or has pages that nobody can read ("").
"""

import datetime
import random
import subprocess

import fpdf
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas
from reportlab.platypus import (BaseDocTemplate, Frame, NextPageTemplate, PageBreak,
                                PageTemplate, Paragraph, Table, TableStyle)

DEJAVU = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
DROID = "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"
WIDTH, HEIGHT = A4

WORDS = """pump valve pressure station water bearing shaft impeller measured because the a of in to
which with after before operator temperature difficult flow official efficient reflux office
maintenance replaced inspected weekly corrosion bolted flange housing motor current""".split()
HEBREW = ["פתח את שסתום היניקה לפני הפעלת המנוע.", "הלחץ המרבי של משאבה P-40 הוא 16 בר.", "יש לבדוק את מפלס השמן בכל 24 שעות (לפחות)."]
ARABIC = ["افتح صمام السحب قبل تشغيل المحرك.", "أقصى ضغط للمضخة P-40 هو 16 بار.", "يجب فحص مستوى الزيت كل 24 ساعة على الأقل."]
CHINESE = ["启动电机前请打开吸入阀。", "水泵P-40的最高压力为16巴。", "每隔24小时检查一次油位。",
           "轴承磨损或密封泄漏时应立即停机,更换损坏的零件,并把原因写进维修记录。"]
JAPANESE = ["モーターを起動する前に吸込弁を開いてください。", "ポンプP-40の最高圧力は16バールです。"]


ENGLISH = "Open the suction valve before the motor is started."


def sentences(draw, count):
    made = []
    for _ in range(count):
        chosen = [draw.choice(WORDS) for _ in range(draw.randint(6, 14))]
        made.append(" ".join(chosen).capitalize() + ".")
    return made


def paragraphs(draw, count):
    return [" ".join(sentences(draw, draw.randint(3, 6))) for _ in range(count)]


def two_columns(path):
    """A title over two justified columns, then a page of columns alone."""
    draw = random.Random(1)
    title, body = "Maintenance of pump stations", paragraphs(draw, 26)
    column = (WIDTH - 120) / 2
    pair = [Frame(50, 60, column, HEIGHT - 180), Frame(70 + column, 60, column, HEIGHT - 180)]
    shown = []

    def heading(page, _):
        page.setFont("Times-Bold", 20)
        page.drawString(50, HEIGHT - 90, title)

    document = BaseDocTemplate(str(path), pagesize=A4, invariant=1)
    document.addPageTemplates([PageTemplate("first", pair, onPage=heading), PageTemplate("later", pair)])
    style = ParagraphStyle("body", fontName="Times-Roman", fontSize=10, leading=12, alignment=4, spaceAfter=6)
    # Each page gets what fits surely, so that the truth of each is known.
    pages = [body[:13], body[13:]]
    story = [NextPageTemplate("later")]
    for number, texts in enumerate(pages):
        story += [Paragraph(text, style) for text in texts] + [PageBreak()] * (number == 0)
        shown.append("\n\n".join([title] * (number == 0) + texts))
    document.build(story)
    return shown


def table(path):
    """A ruled table between two paragraphs; a cell has two lines."""
    draw = random.Random(2)
    before, after = paragraphs(draw, 2)
    rows = [["Part", "Supplier", "Price", "Stock"]]
    rows += [[f"{draw.choice(WORDS).capitalize()} {number}", draw.choice(["Hydra GmbH", "Sealtec Lyon", "Nordlager"]),
              f"{draw.randint(1, 900)}.{draw.randint(10, 99)}", str(draw.randint(0, 300))] for number in range(20)]
    style = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=13)
    document = BaseDocTemplate(str(path), pagesize=A4, invariant=1)
    document.addPageTemplates(PageTemplate("page", [Frame(60, 60, WIDTH - 120, HEIGHT - 120)]))
    grid = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("ALIGN", (2, 0), (-1, -1), "RIGHT")])
    document.build([Paragraph(before, style), Table(rows, [150, 120, 80, 60], style=grid), Paragraph(after, style)])
    return ["\n".join([before, *("\t".join(row) for row in rows), after])]


def ligatures(path):
    """groff: ligatures, kerning and hyphens at the ends of justified lines."""
    text = " ".join(["The efficient office staff finds the difficult reflux of the offshore "
                     "configuration flat, affordable and finally sufficient; microprocessor specifications "
                     "characterise the infrastructure of interchangeable instrumentation."] * 8)
    source = f".pl 11i\n.hy 1\n.ft R\n.ps 11\n.ll 3.1i\n.ad b\n{text}\n"
    done = subprocess.run(["groff", "-Tpdf"], input=source.encode(), capture_output=True, check=True)
    path.write_bytes(done.stdout)
    return [text]


def thousand(path):
    """1,000 pages with a running head, a foot and page numbers."""
    draw = random.Random(3)
    page = canvas.Canvas(str(path), pagesize=A4, invariant=1)
    shown = []
    for number in range(1, 1001):
        page.setFont("Helvetica", 8)
        page.drawString(60, HEIGHT - 40, "Annual report of the water works")
        page.drawRightString(WIDTH - 60, HEIGHT - 40, f"Chapter {number // 50 + 1}")
        page.drawCentredString(WIDTH / 2, 30, f"Page {number} of 1000")
        text = page.beginText(60, HEIGHT - 80)
        text.setFont("Times-Roman", 11)
        lines = sentences(draw, 30)
        for line in lines:
            text.textLine(line)
        page.drawText(text)
        page.showPage()
        shown.append("\n".join(["Annual report of the water works Chapter " + str(number // 50 + 1), *lines,
                                f"Page {number} of 1000"]))
    page.save()
    return shown


def rotated(path):
    """A page turned by its own entry, text turned on the page, and both."""
    draw = random.Random(4)
    page = canvas.Canvas(str(path), pagesize=A4, invariant=1)
    shown = []
    for turn in (90, 180, 270):
        lines = sentences(draw, 12)
        page.setPageRotation(turn)
        page.setFont("Helvetica", 11)
        for index, line in enumerate(lines):
            page.drawString(60, HEIGHT - 80 - 15 * index, line)
        page.showPage()
        shown.append("\n".join(lines))
    for turn, corner in ((90, (WIDTH - 60, 60)), (270, (60, HEIGHT - 60)), (180, (WIDTH - 60, 60))):
        lines = sentences(draw, 12)
        page.setPageRotation(0)
        page.saveState()
        page.translate(*corner)
        page.rotate(turn)
        page.setFont("Helvetica", 11)
        for index, line in enumerate(lines):
            page.drawString(0, 300 - 15 * index, line)
        page.restoreState()
        page.showPage()
        shown.append("\n".join(lines))
    page.save()
    return shown


def shaped(lines, align):
    """fpdf2 shapes and orders the text as a word processor does."""
    def write(path):
        page = fpdf.FPDF()
        page.set_creation_date(datetime.datetime(2024, 3, 5, tzinfo=datetime.timezone.utc))
        page.add_page()
        page.add_font("DejaVu", fname=DEJAVU)
        page.set_font("DejaVu", size=12)
        page.set_text_shaping(True)
        for line in lines:
            page.multi_cell(0, 10, line, align=align, new_x="LMARGIN", new_y="NEXT")
        page.output(str(path))
        return ["\n".join(lines)]
    return write


def composite(font, lines):
    """CJK in one of the fonts that a reader brings (no map to characters, the
    codes are named by their encoding), or in an embedded one (with a map)."""
    if font == DROID:
        # It has no Latin letters.
        lines = ["".join(c for c in line if not c.isascii()) for line in lines]

    def write(path):
        page = canvas.Canvas(str(path), pagesize=A4, invariant=1)
        name = "Droid" if font == DROID else font
        pdfmetrics.registerFont(TTFont(name, DROID) if font == DROID else UnicodeCIDFont(font))
        page.setFont(name, 14)
        for index, line in enumerate(lines):
            page.drawString(60, HEIGHT - 80 - 22 * index, line)
        page.save()
        return ["\n".join(lines)]
    return write


def without_map(write):
    """A file whose embedded font has no map to characters any more."""
    def strip(path):
        write(path)
        # As long as before, so that the file's index stays right.
        path.write_bytes(path.read_bytes().replace(b"/ToUnicode", b"/ToNothing"))
        return [""]
    return strip


def encrypted(user, bits):
    def write(path):
        plain = path.with_name("plain.pdf")
        lines = sentences(random.Random(5), 20)
        page = canvas.Canvas(str(plain), pagesize=A4, invariant=1)
        for index, line in enumerate(lines):
            page.drawString(60, HEIGHT - 80 - 15 * index, line)
        page.save()
        weak = ["--allow-weak-crypto"] if bits < 256 else []
        subprocess.run(["qpdf", *weak, "--encrypt", user, "owner", str(bits), "--", str(plain), str(path)], check=True)
        plain.unlink()
        return None if user else ["\n".join(lines)]
    return write


FILES = {
    "two-columns": two_columns, "table": table, "ligatures": ligatures, "rotated": rotated,
    "encrypted-rc4": encrypted("", 40), "encrypted-aes-128": encrypted("", 128), "encrypted-aes-256": encrypted("", 256),
    "encrypted-user": encrypted("secret", 256),
    "hebrew": shaped(HEBREW, "R"), "arabic": shaped(ARABIC, "R"),
    "chinese-embedded": composite(DROID, CHINESE), "japanese-embedded": composite(DROID, JAPANESE),
    "chinese-named": composite("STSong-Light", CHINESE), "japanese-named": composite("HeiseiMin-W3", JAPANESE),
    "no-map-composite": without_map(shaped([ENGLISH, *HEBREW], "L")), "no-map-simple": without_map(composite(DROID, CHINESE)),
    "thousand-pages": thousand,
}


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, write in FILES.items():
        path = folder / f"{name}.pdf"
        made.append((path, write(path)))
    return made
