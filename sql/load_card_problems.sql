-- Code lists of the file's refused records, with how many have them and the first one's line.
SELECT codes, count(*), min(line) FROM card_part WHERE part = 5 GROUP BY codes;
