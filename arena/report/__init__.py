"""A season for readers: one HTML file, a PDF or Markdown, the verdict first.

contents.py   what a report is made of, gathered from the records
figures.py    figures as readers see them
curves.py     equity curves with their names, and as a picture
drawings.py   the drawings of the HTML file
html.py  markdown.py  pdf.py
"""
