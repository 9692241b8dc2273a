/**
 * What the bytes of MySQL's and MariaDB's character sets mean, as both servers convert them to utf8mb4 themselves
 * (`CONVERT(CONVERT(x'..' USING charset) USING utf8mb4)`, MySQL 9.7 and MariaDB 10.11; the two agree).
 */

/**
 * Character sets of one byte a character, as the characters of the bytes 0x80 to 0xff, or 0xa0 to 0xff where 0x80 to 0x9f are the
 * control characters of the same number, or all 256 where the lower half is not ASCII. U+FFFD: the byte means nothing.
 * `latin1` is Windows code page 1252 with its five undefined bytes as control characters.
 */
export const SINGLE_BYTE: Readonly<Record<string, string>> = {
  armscii8: "\xa0❁§։)(»«—.՝,-՟…՜՛՞ԱաԲբԳգԴդԵեԶզԷէԸըԹթԺժԻիԼլԽխԾծԿկՀհՁձՂղՃճՄմՅյՆնՇշՈոՉչՊպՋջՌռՍսՎվՏտՐրՑցՒւՓփՔքՕօՖֆ’'",
  ascii: '\ufffd'.repeat(128),
  cp1250:
    '€\ufffd‚\ufffd„…†‡\ufffd‰Š‹ŚŤŽŹ\ufffd‘’“”•–—\ufffd™š›śťžź\xa0ˇ˘Ł¤Ą¦§¨©Ş«¬\xad®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙',
  cp1251:
    'ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\ufffd™љ›њќћџ\xa0ЎўЈ¤Ґ¦§Ё©Є«¬\xad®Ї°±Ііґµ¶·ё№є»јЅѕїАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя',
  cp1256:
    '€\u067e‚ƒ„…†‡ˆ‰\ufffd‹Œ\u0686\u0698\ufffd\u06af‘’“”•–—\ufffd™\ufffd›œ\u200c\u200d\ufffd\xa0\u060c¢£¤¥¦§¨©\ufffd«¬\xad®¯°±²³´µ¶·¸¹\u061b»¼½¾\u061f\ufffd\u0621\u0622\u0623\u0624\u0625\u0626\u0627\u0628\u0629\u062a\u062b\u062c\u062d\u062e\u062f\u0630\u0631\u0632\u0633\u0634\u0635\u0636×\u0637\u0638\u0639\u063a\u0640\u0641\u0642\u0643à\u0644â\u0645\u0646\u0647\u0648çèéêë\u0649\u064aîï\u064b\u064c\u064d\u064eô\u064f\u0650÷\u0651ù\u0652ûü\u200e\u200f\ufffd',
  cp1257:
    '€\ufffd‚\ufffd„…†‡\ufffd‰\ufffd‹\ufffd¨ˇ¸\ufffd‘’“”•–—\ufffd™\ufffd›\ufffd¯˛\ufffd\xa0\ufffd¢£¤\ufffd¦§Ø©Ŗ«¬\xad®Æ°±²³´µ¶·ø¹ŗ»¼½¾æĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽßąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙',
  cp850:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\xad±‗¾¶§÷¸°¨·¹³²■\xa0',
  cp852:
    'ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\xad˝˛ˇ˘§÷¸°¨˙űŘř■\xa0',
  cp866:
    'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмноп░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀рстуфхцчшщъыьэюяЁёЄєЇїЎў°∙·√ⁿ²■\xa0',
  dec8: '\xa0¡¢£\ufffd¥\ufffd§¤©ª«\ufffd\ufffd\ufffd\ufffd°±²³\ufffdµ¶·\ufffd¹º»¼½\ufffd¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏ\ufffdÑÒÓÔÕÖŒØÙÚÛÜŸ\ufffdßàáâãäåæçèéêëìíîï\ufffdñòóôõöœøùúûüÿ\ufffd\ufffd',
  geostd8:
    '€\ufffd‚\ufffd„…†‡\ufffd‰\ufffd‹\ufffd\ufffd\ufffd\ufffd\ufffd‘’“”•–—\ufffd\ufffd\ufffd›\ufffd\ufffd\ufffd\ufffd\xa0¡¢£¤¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¸¹º»¼½¾¿აბგდევზჱთიკლმნჲოპჟრსტჳუფქღყშჩცძწჭხჴჯჰჵ\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd№\ufffd\ufffd',
  greek:
    '\xa0ʽʼ£\ufffd\ufffd¦§¨©\ufffd«¬\xad\ufffd―°±²³΄΅Ά·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ\ufffdΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ\ufffd',
  hebrew:
    '\xa0\ufffd¢£¤¥¦§¨©×«¬\xad®‾°±²³´µ¶·¸¹÷»¼½¾\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd‗\u05d0\u05d1\u05d2\u05d3\u05d4\u05d5\u05d6\u05d7\u05d8\u05d9\u05da\u05db\u05dc\u05dd\u05de\u05df\u05e0\u05e1\u05e2\u05e3\u05e4\u05e5\u05e6\u05e7\u05e8\u05e9\u05ea\ufffd\ufffd\u200e\u200f\ufffd',
  hp8: '\xa0ÀÂÈÊËÎÏ´ˋˆ¨˜ÙÛ₤¯Ýý°ÇçÑñ¡¿¤£¥§ƒ¢âêôûáéóúàèòùäëöüÅîØÆåíøæÄìÖÜÉïßÔÁÃãÐðÍÌÓÒÕõŠšÚŸÿÞþ·µ¶¾—¼½ªº«■»±\ufffd',
  keybcs2:
    'ČüéďäĎŤčěĚĹÍľĺÄÁÉžŽôöÓůÚýÖÜŠĽÝŘťáíóúňŇŮÔšřŕŔ¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\xa0',
  koi8r:
    '─│┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓⌠■∙√≈≤≥\xa0⌡°²·÷═║╒ё╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡Ё╢╣╤╥╦╧╨╩╪╫╬©юабцдефгхийклмнопярстужвьызшэщчъЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ',
  koi8u:
    '─│┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓⌠■•√≈≤≥\xa0⌡°²·÷═║╒ёє╔ії╗╘╙╚╛ґ╝╞╟╠╡ЁЄ╣ІЇ╦╧╨╩╪Ґ╬©юабцдефгхийклмнопярстужвьызшэщчъЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ',
  latin1:
    '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ\xa0¡¢£¤¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ',
  latin2: '\xa0Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\xadŽŻ°ą˛ł´ľśˇ¸šşťź˝žżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙',
  latin5: '\xa0¡¢£¤¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ',
  latin7: '\xa0”¢£¤„¦§Ø©Ŗ«¬\xad®Æ°±²³“µ¶·ø¹ŗ»¼½¾æĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽßąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž’',
  macce:
    'ÄĀāÉĄÖÜáąČäčĆćéŹźĎíďĒēĖóėôöõúĚěü†°Ę£§•¶ß®©™ę¨≠ģĮįĪ≤≥īĶ∂∑łĻļĽľĹĺŅņŃ¬√ńŇ∆«»…\xa0ňŐÕőŌ–—“”‘’÷◊ōŔŕŘ‹›řŖŗŠ‚„šŚśÁŤťÍŽžŪÓÔūŮÚůŰűŲųÝýķŻŁżĢˇ',
  macroman:
    'ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\xa0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›\ufb01\ufb02‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ',
  swe7:
    '\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f !"#$%&\'()*+,-./0123456789:;<=>?ÉABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÅÜ_éabcdefghijklmnopqrstuvwxyzäöåü' +
    '\ufffd'.repeat(129),
  tis620:
    '\ufffdกขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรฤลฦวศษสหฬอฮฯ\u0e30\u0e31\u0e32\u0e33\u0e34\u0e35\u0e36\u0e37\u0e38\u0e39\u0e3a\ufffd\ufffd\ufffd\ufffd\u0e3f\u0e40\u0e41\u0e42\u0e43\u0e44\u0e45\u0e46\u0e47\u0e48\u0e49\u0e4a\u0e4b\u0e4c\u0e4d\u0e4e\u0e4f๐๑๒๓๔๕๖๗๘๙๚๛\ufffd\ufffd\ufffd\ufffd',
};

/**
 * Where character sets of several bytes differ from the tables of iconv-lite of (nearly) the same name: `first code + number of
 * codes = first character`, all in hexadecimal.
 */
export const MULTI_BYTE_DIFFERENCES: Readonly<Record<string, string>> = {
  gb2312: 'a1a4+1=30fb a1aa+1=2015',
  big5:
    'a145+1=2022 a14e+1=ff64 a15a+1=fffd a1c2+1=203e a1c3+1=fffd a1c5+1=fffd a1e3+1=223c a1f2+1=2641 a1f3+1=2609 ' +
    'a1fe+1=fffd a240+1=fffd a241+1=ff0f a242+1=ff3c a244+1=a5 a246+2=a2 a2cc+1=fffd a2ce+1=fffd c6a1+1=30fe ' +
    'c6a2+2=309d c6a4+1=3005 c6a5+53=3041 c6f8+7=30a1 c740+3f=30a8 c7a1+10=30e7 c7b1+2=414 c7b3+1=401 c7b4+7=416 ' +
    'c7bb+13=423 c7ce+1=451 c7cf+1a=436 c7e9+a=2460 c7f3+a=2474',
  sjis: '815f+1=5c 8160+1=301c 8161+1=2016 817c+1=2212 8191+2=a2 81ca+1=ac',
  cp932: 'f941+3e=e69d f980+7d=e6db',
  ujis:
    'a1c0+1=5c a1c1+1=301c a1c2+1=2016 a1dd+1=2212 a1f1+2=a2 a2cc+1=ac f5a1+5e=e000 f6a1+5e=e05e f7a1+5e=e0bc ' +
    'f8a1+5e=e11a f9a1+5e=e178 faa1+5e=e1d6 fba1+5e=e234 fca1+5e=e292 fda1+5e=e2f0 fea1+5e=e34e 8fa2b7+1=7e ' +
    '8ff5a1+5e=e3ac 8ff6a1+5e=e40a 8ff7a1+5e=e468 8ff8a1+5e=e4c6 8ff9a1+5e=e524 8ffaa1+5e=e582 8ffba1+5e=e5e0 ' +
    '8ffca1+5e=e63e 8ffda1+5e=e69c 8ffea1+5e=e6fa',
  eucjpms:
    'f5a1+5e=e000 f6a1+5e=e05e f7a1+5e=e0bc f8a1+5e=e11a f9a1+5e=e178 faa1+5e=e1d6 fba1+5e=e234 fca1+5e=e292 ' +
    'fda1+5e=e2f0 fea1+5e=e34e 8fa2c3+1=ffe4 8ff3f3+a=2170 8ff3fd+2=2160 8ff4a1+8=2162 8ff4a9+1=ff07 8ff4aa+1=ff02 ' +
    '8ff4ab+1=3231 8ff4ac+1=2116 8ff4ad+1=2121 8ff4ae+1=70bb 8ff4af+1=4efc 8ff4b0+1=50f4 8ff4b1+1=51ec ' +
    '8ff4b2+1=5307 8ff4b3+1=5324 8ff4b4+1=fa0e 8ff4b5+1=548a 8ff4b6+1=5759 8ff4b7+2=fa0f 8ff4b9+1=589e ' +
    '8ff4ba+1=5bec 8ff4bb+1=5cf5 8ff4bc+1=5d53 8ff4bd+1=fa11 8ff4be+1=5fb7 8ff4bf+1=6085 8ff4c0+1=6120 ' +
    '8ff4c1+1=654e 8ff4c2+1=663b 8ff4c3+1=6665 8ff4c4+1=fa12 8ff4c5+1=f929 8ff4c6+1=6801 8ff4c7+2=fa13 ' +
    '8ff4c9+1=6a6b 8ff4ca+1=6ae2 8ff4cb+1=6df8 8ff4cc+1=6df2 8ff4cd+1=7028 8ff4ce+2=fa15 8ff4d0+1=7501 ' +
    '8ff4d1+1=7682 8ff4d2+1=769e 8ff4d3+1=fa17 8ff4d4+1=7930 8ff4d5+4=fa18 8ff4d9+1=7ae7 8ff4da+2=fa1c ' +
    '8ff4dc+1=7da0 8ff4dd+1=7dd6 8ff4de+1=fa1e 8ff4df+1=8362 8ff4e0+1=fa1f 8ff4e1+1=85b0 8ff4e2+2=fa20 ' +
    '8ff4e4+1=8807 8ff4e5+1=fa22 8ff4e6+1=8b7f 8ff4e7+1=8cf4 8ff4e8+1=8d76 8ff4e9+3=fa23 8ff4ec+1=90de ' +
    '8ff4ed+1=fa26 8ff4ee+1=9115 8ff4ef+2=fa27 8ff4f1+1=9592 8ff4f2+1=f9dc 8ff4f3+1=fa29 8ff4f4+1=973b ' +
    '8ff4f5+1=974d 8ff4f6+1=9751 8ff4f7+3=fa2a 8ff4fa+1=999e 8ff4fb+1=9ad9 8ff4fc+1=9b72 8ff4fd+1=fa2d ' +
    '8ff4fe+1=9ed1 8ff5a1+5e=e3ac 8ff6a1+5e=e40a 8ff7a1+5e=e468 8ff8a1+5e=e4c6 8ff9a1+5e=e524 8ffaa1+5e=e582 ' +
    '8ffba1+5e=e5e0 8ffca1+5e=e63e 8ffda1+5e=e69c 8ffea1+5e=e6fa',
  gb18030: 'a3a0+1=e5e5',
};
