"""The colours of the charts on white, as portal/static/charts.css has them; each at least 3:1 on its ground."""

COLOURS = {
    "code": "#0d5b5e",
    "code-external": "#3a9a97",
    "code-unknown": "#7f9495",
    "none": "#a8480a",
    "none-external": "#d9791b",
    "none-unknown": "#8b8478",
    "soft": "#0d5b5e",
    "sms": "#3b6fb6",
    "hard": "#d9791b",
    "static": "#8a5aa8",
    "other": "#8b8478",
}
