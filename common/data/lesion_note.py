"""What a transform that adds lesions says of a draw, under one key of the item."""

LESION_FROM = "lesion_from"  # an empty text: left alone; or the donor's case id; or:
NO_PLACE = "no place"  # wanted, and no plausible place found: left as it was
