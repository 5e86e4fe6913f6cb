"""Read an image that somebody sent, and encode it anew: what is stored has only ever been written by us.

PNG, JPEG and WebP alone; never SVG, which is a document with scripts. The size in pixels is read from
the header and refused before anything is unpacked. Metadata, further frames and whatever else the
file carried are not in the new one.
"""

import hashlib
import io
from typing import Final

from PIL import Image

from services.admin.store.apps import Logo

MOST_BYTES: Final = 512 * 1024
MOST_PIXELS: Final = 16_000_000
LONGEST_SIDE: Final = 4096
SIDE: Final = 256
"""What a logo is made to fit in: enough for 64 px at four pixels each."""
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_SMALL: Final = 48 * 1024


def encode_logo(content: bytes) -> Logo:
    """Raises: ValueError, in words for the one who sent it. Takes a while: not on the event loop."""
    if not content:
        raise ValueError("Choose an image.")
    if len(content) > MOST_BYTES:
        raise ValueError(f"The file is larger than {MOST_BYTES // 1024} KiB.")
    image = _open(content)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    packed, media_type = _pack(image)
    return Logo(
        logo=hashlib.sha256(packed).hexdigest()[:32],
        media_type=media_type,
        content=packed,
        width=image.width,
        height=image.height,
    )


def _open(content: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
        is_large = max(image.size) > LONGEST_SIDE or image.width * image.height > MOST_PIXELS
        rgba = None if is_large else image.convert("RGBA")
    except Exception as error:  # a broken file breaks the library in many ways
        raise ValueError("This is not a PNG, JPEG or WebP image that we can read.") from error
    if rgba is None:
        raise ValueError(f"The image is larger than {LONGEST_SIDE} pixels a side, or has too many.")
    return rgba


def _pack(image: Image.Image) -> tuple[bytes, str]:
    png = io.BytesIO()
    image.save(png, "PNG", optimize=True)
    if png.tell() <= _SMALL:
        return png.getvalue(), "image/png"
    webp = io.BytesIO()
    image.save(webp, "WEBP", quality=85, method=4)
    return webp.getvalue(), "image/webp"
