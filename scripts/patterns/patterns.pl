# Answers for each line "pattern, tab, text" whether Perl finds the pattern in the text.
use strict;
use warnings;
use open ':std', ':encoding(UTF-8)';

while (my $line = <STDIN>) {
    chomp $line;
    my ($pattern, $text) = split /\t/, $line, -1;
    print(($text =~ /$pattern/ ? 1 : 0), "\n");
}
