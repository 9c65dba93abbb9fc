"""Lists of what to draw: pasted or from a spreadsheet, checked as a whole, drawn behind what somebody waits for."""
