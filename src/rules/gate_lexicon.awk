# gate_lexicon.en to a C table, unsorted, one line an entry: "word LEX_A LEX_B"
/^#/ || /^$/ { next }
/^\[/ { class = toupper(substr($0, 2, length($0) - 2)); next }
{ for (i = 1; i <= NF; i++) if (!(($i, class) in seen)) { seen[$i, class] = 1; what[$i] = what[$i] " | LEX(" class ")" } }
END { for (w in what) print w "\t" substr(what[w], 4) }
