DELETE FROM tally WHERE kind = 'state';
